//! Campaigns: template, provider, buttons, audience, and what the application records about the messages.

use super::people::Person;
use crate::options::{SimulatedProvider, SimulationOptions};
use crate::random::SeededRng;

/// The kind of a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ButtonKind {
    /// Reply button of a session message.
    Reply,
    /// Row of a list.
    ListRow,
    /// Quick reply of a template.
    QuickReply,
    /// Opens a flow; a webhook reports the submitted answer.
    Flow,
    /// Opens a link.
    Link,
}

/// A button of a campaign.
#[derive(Clone, Debug)]
pub(crate) struct Button {
    pub(crate) kind: ButtonKind,
    pub(crate) id: String,
    pub(crate) text: String,
    /// Description of a list row.
    pub(crate) description: Option<String>,
    /// Target of a link.
    pub(crate) url: Option<String>,
}

/// Price category of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Category {
    Marketing,
    Utility,
    Authentication,
    Service,
}

impl Category {
    /// Value of `pricing.category`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Category::Marketing => "marketing",
            Category::Utility => "utility",
            Category::Authentication => "authentication",
            Category::Service => "service",
        }
    }
}

/// The form of a campaign's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Template,
    Buttons,
    List,
    Flow,
    Links,
    Voice,
    /// A message to a group.
    Group,
}

/// A campaign: one template sent through one provider to an audience.
pub(crate) struct Campaign {
    pub(crate) provider: SimulatedProvider,
    pub(crate) form: Form,
    /// Campaign id in the application or in Interakt.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) template: String,
    /// Language of the template, if the application reports it.
    pub(crate) language: Option<&'static str>,
    pub(crate) category: Category,
    pub(crate) buttons: Vec<Button>,
    /// Index of the sending phone number in [`super::World::lines`].
    pub(crate) line: usize,
    /// The application's event that the campaign belongs to.
    pub(crate) event: Option<String>,
    /// The `flow_type` that the application reports with messages about an event.
    pub(crate) flow_type: Option<&'static str>,
    /// Whether each message has a ticket.
    pub(crate) ticketed: bool,
    /// Whether the application records the messages with the tracker.
    pub(crate) tracked: bool,
    /// Whether the record contains campaign and buttons; older applications leave them out.
    pub(crate) detailed: bool,
    /// Callback data that the application attaches to the send.
    pub(crate) callback: Option<String>,
    /// Whether it is an Interakt campaign, as opposed to sends through Interakt's API.
    pub(crate) run_by_interakt: bool,
    /// Whether Woosh also relays Meta's webhooks about it.
    pub(crate) relayed: bool,
    /// Percentage of readers who click.
    pub(crate) click_percent: u64,
    /// Recipients, as indices of [`super::World::people`].
    pub(crate) audience: Vec<usize>,
    /// Meta's group id, for messages to a group.
    pub(crate) group: Option<String>,
}

const LABELS: [&str; 9] = [
    "Yes, I'll come",
    "No, thanks",
    "Maybe später",
    "Entrapment",
    "Maintenance",
    "Test",
    "Stop promotions",
    "Über uns",
    "Stop/Pause",
];
/// Languages of templates. Three campaigns in four have one.
const LANGUAGES: [&str; 3] = ["en_US", "de", "pt_BR"];
const SUBJECTS: [&str; 8] = ["invite", "reminder", "offer", "alert", "survey", "welcome", "travel", "renewal"];

/// Creates the campaigns: for each provider one of each form that it supports.
pub(super) fn campaigns(
    rng: &mut SeededRng,
    options: &SimulationOptions,
    people: &[Person],
    lines: usize,
) -> Vec<Campaign> {
    let tracker = options.providers.contains(&SimulatedProvider::Tracker);
    let woosh = options.providers.contains(&SimulatedProvider::Woosh);
    let mut campaigns = Vec::new();
    for &provider in &options.providers {
        let audience: Vec<usize> = people
            .iter()
            .enumerate()
            .filter(|(_, person)| person.provider == provider)
            .map(|(index, _)| index)
            .collect();
        for (position, &form) in forms(provider).iter().enumerate() {
            let number = campaigns.len();
            let mut campaign = campaign(rng, provider, form, number);
            campaign.line = if provider == SimulatedProvider::Woosh { 0 } else { number % lines };
            // A record needs a single recipient, so messages to groups are not recorded.
            campaign.tracked =
                tracker && form != Form::Group && (provider == SimulatedProvider::Tracker || position % 3 != 2);
            campaign.relayed = woosh && provider == SimulatedProvider::Meta && position == 1;
            campaign.audience.clone_from(&audience);
            campaigns.push(campaign);
        }
    }
    campaigns
}

/// The forms that each provider supports. The application does not record every third campaign of a provider (see
/// [`campaigns`]), so a form may be listed twice to occur both recorded and unrecorded.
const fn forms(provider: SimulatedProvider) -> &'static [Form] {
    match provider {
        SimulatedProvider::Meta => &[
            Form::Template,
            Form::Buttons,
            Form::Template,
            Form::List,
            Form::Flow,
            Form::Links,
            Form::Voice,
            Form::Group,
            Form::Buttons,
        ],
        SimulatedProvider::Woosh => &[Form::Buttons, Form::Template, Form::List],
        SimulatedProvider::Interakt => &[Form::Template, Form::Links, Form::Buttons, Form::Flow, Form::Template],
        SimulatedProvider::Wasender => &[Form::Buttons, Form::List, Form::Template, Form::Voice],
        SimulatedProvider::Tracker => &[Form::Template, Form::Template],
    }
}

fn campaign(rng: &mut SeededRng, provider: SimulatedProvider, form: Form, number: usize) -> Campaign {
    let subject = *rng.pick(&SUBJECTS);
    let event = (number.is_multiple_of(4)).then(|| rng.uuid());
    let travel = subject == "travel";
    Campaign {
        provider,
        form,
        id: format!("camp-{number:03}"),
        name: format!("{subject} {number}"),
        template: format!("{subject}_{}_v{}", provider.name(), 1 + number % 3),
        // Chosen by number without using `rng`, so that the random values of the other fields and campaigns stay the
        // same.
        language: LANGUAGES.get(number % 4).copied(),
        category: match form {
            Form::Links | Form::Flow => Category::Marketing,
            Form::Buttons | Form::List | Form::Voice => Category::Service,
            Form::Group => Category::Utility,
            Form::Template => *rng.pick(&[Category::Marketing, Category::Utility, Category::Authentication]),
        },
        buttons: buttons(rng, provider, form, number),
        line: 0,
        flow_type: event.is_some().then_some(if travel { "travel" } else { "rsvp" }),
        event,
        ticketed: matches!(form, Form::Buttons | Form::List),
        tracked: false,
        detailed: number % 5 != 3,
        callback: (number % 3 != 1).then(|| format!("cb/{subject}/{number}")),
        run_by_interakt: provider == SimulatedProvider::Interakt && number.is_multiple_of(2),
        relayed: false,
        click_percent: 20 + rng.below(45),
        audience: Vec::new(),
        group: (form == Form::Group).then(|| format!("group-{}", rng.hex(12))),
    }
}

fn buttons(rng: &mut SeededRng, provider: SimulatedProvider, form: Form, number: usize) -> Vec<Button> {
    let (kind, count) = match form {
        Form::Template | Form::Group => (ButtonKind::QuickReply, 2 + rng.below(2)),
        Form::Buttons => (ButtonKind::Reply, 2 + rng.below(2)),
        Form::List => (ButtonKind::ListRow, 3 + rng.below(5)),
        Form::Flow => (ButtonKind::Flow, 1),
        Form::Links => (ButtonKind::Link, 2),
        Form::Voice => return Vec::new(),
    };
    let first = rng.below(LABELS.len() as u64) as usize;
    let labels = LABELS.iter().cycle().skip(first);
    // Interakt identifies template buttons by their labels only.
    let identified_by_label =
        provider == SimulatedProvider::Interakt && matches!(kind, ButtonKind::QuickReply | ButtonKind::Link);
    labels
        .take(count as usize)
        .enumerate()
        .map(|(place, label)| Button {
            kind,
            id: if identified_by_label { (*label).to_owned() } else { format!("b{number}_{place}") },
            text: (*label).to_owned(),
            description: (kind == ButtonKind::ListRow && place % 2 == 0).then(|| format!("row {place} – more")),
            url: (kind == ButtonKind::Link).then(|| format!("https://shop.example/{number}/{place}?a=1&b=2")),
        })
        .collect()
}
