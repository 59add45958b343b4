//! The people that the business writes to, and the numbers it writes from.

use crate::options::{SimulatedProvider, SimulationOptions};
use crate::random::Dice;

/// A phone number of the business at Meta.
pub(crate) struct Line {
    /// WhatsApp Business Account.
    pub(crate) waba: &'static str,
    pub(crate) phone_number_id: &'static str,
    /// The number itself, as people see it.
    pub(crate) display: &'static str,
}

/// A person, and which names of theirs the providers know.
pub(crate) struct Person {
    /// Who writes to them. Nobody is written to through two providers, or whether two are one could not be told.
    pub(crate) provider: SimulatedProvider,
    pub(crate) name: String,
    /// Digits; absent for those who show a user name only.
    pub(crate) phone: Option<String>,
    /// Business-scoped user id at Meta; absent for those that Meta tells by number only.
    pub(crate) user_id: Option<String>,
    /// Whether they send read receipts.
    pub(crate) receipts: bool,
    /// Customer id at Interakt.
    pub(crate) customer_id: String,
}

const FIRST_NAMES: [&str; 12] =
    ["Asha", "Bjørn", "Chloé", "Dawid", "Esi", "Farid", "Grace", "Hiroshi", "Inês", "Jürgen", "Kofi", "Łucja"];
const LAST_NAMES: [&str; 10] =
    ["Okafor", "Müller", "Nair", "D'Souza", "García", "Østby", "van Wyk", "Silva", "Kowalski", "Rao"];
const COUNTRIES: [(&str, &str); 5] = [("91", "IN"), ("27", "ZA"), ("49", "DE"), ("55", "BR"), ("44", "GB")];

/// The business's numbers: two accounts, one with two numbers.
pub(super) fn lines() -> Vec<Line> {
    vec![
        Line { waba: "301000000000001", phone_number_id: "401000000000001", display: "27110000001" },
        Line { waba: "301000000000001", phone_number_id: "401000000000002", display: "27110000002" },
        Line { waba: "301000000000002", phone_number_id: "401000000000003", display: "919000000003" },
    ]
}

/// A third as many people as messages, so that many get several; at least 20 for each provider.
pub(super) fn people(dice: &mut Dice, options: &SimulationOptions) -> Vec<Person> {
    let share = (options.messages / (3 * options.providers.len().max(1) as u64)).max(20);
    let mut people = Vec::new();
    for &provider in &options.providers {
        for _ in 0..share {
            people.push(person(dice, provider, people.len()));
        }
    }
    people
}

fn person(dice: &mut Dice, provider: SimulatedProvider, index: usize) -> Person {
    let (prefix, country) = *dice.pick(&COUNTRIES);
    // Only Meta, and who passes its bodies on, can write to somebody without a number.
    let scoped = matches!(provider, SimulatedProvider::Meta | SimulatedProvider::Woosh);
    let style = if scoped { dice.below(100) } else { 0 };
    Person {
        provider,
        name: format!("{} {}", dice.pick(&FIRST_NAMES), dice.pick(&LAST_NAMES)),
        phone: (style < 85).then(|| format!("{prefix}{:010}", 7_000_000_000 + index as u64)),
        user_id: (style >= 55).then(|| format!("{country}.{:020}", 10_000_000_000 + index as u64)),
        receipts: dice.chance(80),
        customer_id: dice.uuid(),
    }
}
