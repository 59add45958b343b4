//! The people that the business writes to, and the phone numbers that it sends from.

use crate::options::{SimulatedProvider, SimulationOptions};
use crate::random::SeededRng;

/// A phone number of the business at Meta.
pub(crate) struct Line {
    /// Id of the WhatsApp Business Account.
    pub(crate) waba: &'static str,
    pub(crate) phone_number_id: &'static str,
    /// The display phone number, digits only.
    pub(crate) display: &'static str,
}

/// A person, with the identifiers that providers know.
pub(crate) struct Person {
    /// The only provider that reaches this person. With two providers, a person would have two unrelated identifiers.
    pub(crate) provider: SimulatedProvider,
    pub(crate) name: String,
    /// Phone number, digits only; `None` for people who share only a user name.
    pub(crate) phone: Option<String>,
    /// Meta's business-scoped user id; `None` for people whom Meta identifies by phone number only.
    pub(crate) user_id: Option<String>,
    /// Whether the person sends read receipts.
    pub(crate) receipts: bool,
    /// Interakt's customer id.
    pub(crate) customer_id: String,
}

const FIRST_NAMES: [&str; 12] =
    ["Asha", "Bjørn", "Chloé", "Dawid", "Esi", "Farid", "Grace", "Hiroshi", "Inês", "Jürgen", "Kofi", "Łucja"];
const LAST_NAMES: [&str; 10] =
    ["Okafor", "Müller", "Nair", "D'Souza", "García", "Østby", "van Wyk", "Silva", "Kowalski", "Rao"];
const COUNTRIES: [(&str, &str); 5] = [("91", "IN"), ("27", "ZA"), ("49", "DE"), ("55", "BR"), ("44", "GB")];

/// The business's phone numbers: two accounts, one of them with two numbers.
pub(super) fn lines() -> Vec<Line> {
    vec![
        Line { waba: "301000000000001", phone_number_id: "401000000000001", display: "27110000001" },
        Line { waba: "301000000000001", phone_number_id: "401000000000002", display: "27110000002" },
        Line { waba: "301000000000002", phone_number_id: "401000000000003", display: "919000000003" },
    ]
}

/// Creates one person per three messages, so that many people get several messages; at least 20 per provider.
pub(super) fn people(rng: &mut SeededRng, options: &SimulationOptions) -> Vec<Person> {
    let share = (options.messages / (3 * options.providers.len().max(1) as u64)).max(20);
    let mut people = Vec::new();
    for &provider in &options.providers {
        for _ in 0..share {
            people.push(person(rng, provider, people.len()));
        }
    }
    people
}

fn person(rng: &mut SeededRng, provider: SimulatedProvider, index: usize) -> Person {
    let (prefix, country) = *rng.pick(&COUNTRIES);
    // Only Meta, directly or through Woosh, reaches people without a phone number.
    let scoped = matches!(provider, SimulatedProvider::Meta | SimulatedProvider::Woosh);
    let style = if scoped { rng.below(100) } else { 0 };
    Person {
        provider,
        name: format!("{} {}", rng.pick(&FIRST_NAMES), rng.pick(&LAST_NAMES)),
        phone: (style < 85).then(|| format!("{prefix}{:010}", 7_000_000_000 + index as u64)),
        user_id: (style >= 55).then(|| format!("{country}.{:020}", 10_000_000_000 + index as u64)),
        receipts: rng.chance(80),
        customer_id: rng.uuid(),
    }
}
