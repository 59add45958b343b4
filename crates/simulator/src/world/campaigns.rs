//! The campaigns: which template goes out through which provider, with which buttons, and what is recorded about it.

use super::people::Person;
use crate::options::{SimulatedProvider, SimulationOptions};
use crate::random::Dice;

/// What a button does when it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ButtonKind {
    /// Reply button of a session message.
    Reply,
    /// Row of a list.
    ListRow,
    /// Quick reply of a template.
    QuickReply,
    /// Opens a flow, whose answer is told.
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
    /// Of a list row.
    pub(crate) description: Option<String>,
    /// Of a link.
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
    /// Its name in `pricing.category`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Category::Marketing => "marketing",
            Category::Utility => "utility",
            Category::Authentication => "authentication",
            Category::Service => "service",
        }
    }
}

/// What the messages of a campaign are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Template,
    Buttons,
    List,
    Flow,
    Links,
    Voice,
    /// To a group.
    Group,
}

/// A campaign.
pub(crate) struct Campaign {
    pub(crate) provider: SimulatedProvider,
    pub(crate) form: Form,
    /// Id that the application (or Interakt) knows it by.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) template: String,
    pub(crate) category: Category,
    pub(crate) buttons: Vec<Button>,
    /// Which of the business's numbers at Meta sends it.
    pub(crate) line: usize,
    /// Event of the application, if it belongs to one.
    pub(crate) event: Option<String>,
    /// What the application calls the flow of its event.
    pub(crate) flow_type: Option<&'static str>,
    /// Whether each message belongs to a ticket.
    pub(crate) ticketed: bool,
    /// Whether the application records its messages with the tracker.
    pub(crate) tracked: bool,
    /// Whether the record names the campaign and the buttons; an older application does not.
    pub(crate) detailed: bool,
    /// What the application attaches when it sends.
    pub(crate) callback: Option<String>,
    /// Whether Interakt itself runs it (and not its API).
    pub(crate) run_by_interakt: bool,
    /// Whether Meta's webhooks also come through Woosh.
    pub(crate) relayed: bool,
    /// How many in a hundred who got it use it.
    pub(crate) appeal: u64,
    /// The people it goes to, as indices of the world.
    pub(crate) audience: Vec<usize>,
    /// Group at Meta, if it goes to one.
    pub(crate) group: Option<String>,
}

const LABELS: [&str; 9] = [
    "Yes, I'll come",
    "No, thanks",
    "Maybe später",
    "Entrapment",
    "Maintenance",
    "Test",
    "Call me",
    "Über uns",
    "Stop/Pause",
];
const SUBJECTS: [&str; 8] = ["invite", "reminder", "offer", "alert", "survey", "welcome", "travel", "renewal"];

/// The campaigns of each provider, one of each form that it can report.
pub(super) fn campaigns(
    dice: &mut Dice,
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
        for (turn, &form) in forms(provider).iter().enumerate() {
            let number = campaigns.len();
            let mut campaign = campaign(dice, provider, form, number);
            campaign.line = if provider == SimulatedProvider::Woosh { 0 } else { number % lines };
            // The application names a recipient in each record: groups go unrecorded.
            campaign.tracked =
                tracker && form != Form::Group && (provider == SimulatedProvider::Tracker || turn % 3 != 2);
            campaign.relayed = woosh && provider == SimulatedProvider::Meta && turn == 1;
            campaign.audience.clone_from(&audience);
            campaigns.push(campaign);
        }
    }
    campaigns
}

/// What each provider is used for. Some forms stand twice: one of them goes unrecorded.
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

fn campaign(dice: &mut Dice, provider: SimulatedProvider, form: Form, number: usize) -> Campaign {
    let subject = *dice.pick(&SUBJECTS);
    let event = (number.is_multiple_of(4)).then(|| dice.uuid());
    let travel = subject == "travel";
    Campaign {
        provider,
        form,
        id: format!("camp-{number:03}"),
        name: format!("{subject} {number}"),
        template: format!("{subject}_{}_v{}", provider.name(), 1 + number % 3),
        category: match form {
            Form::Links | Form::Flow => Category::Marketing,
            Form::Buttons | Form::List | Form::Voice => Category::Service,
            Form::Group => Category::Utility,
            Form::Template => *dice.pick(&[Category::Marketing, Category::Utility, Category::Authentication]),
        },
        buttons: buttons(dice, provider, form, number),
        line: 0,
        flow_type: event.is_some().then_some(if travel { "travel" } else { "rsvp" }),
        event,
        ticketed: matches!(form, Form::Buttons | Form::List),
        tracked: false,
        detailed: number % 5 != 3,
        callback: (number % 3 != 1).then(|| format!("cb/{subject}/{number}")),
        run_by_interakt: provider == SimulatedProvider::Interakt && number.is_multiple_of(2),
        relayed: false,
        appeal: 20 + dice.below(45),
        audience: Vec::new(),
        group: (form == Form::Group).then(|| format!("group-{}", dice.hex(12))),
    }
}

fn buttons(dice: &mut Dice, provider: SimulatedProvider, form: Form, number: usize) -> Vec<Button> {
    let (kind, count) = match form {
        Form::Template | Form::Group => (ButtonKind::QuickReply, 2 + dice.below(2)),
        Form::Buttons => (ButtonKind::Reply, 2 + dice.below(2)),
        Form::List => (ButtonKind::ListRow, 3 + dice.below(5)),
        Form::Flow => (ButtonKind::Flow, 1),
        Form::Links => (ButtonKind::Link, 2),
        Form::Voice => return Vec::new(),
    };
    let first = dice.below(LABELS.len() as u64) as usize;
    let labels = LABELS.iter().cycle().skip(first);
    // Interakt knows the buttons of a template by their labels only.
    let labelled = provider == SimulatedProvider::Interakt && matches!(kind, ButtonKind::QuickReply | ButtonKind::Link);
    labels
        .take(count as usize)
        .enumerate()
        .map(|(place, label)| Button {
            kind,
            id: if labelled { (*label).to_owned() } else { format!("b{number}_{place}") },
            text: (*label).to_owned(),
            description: (kind == ButtonKind::ListRow && place % 2 == 0).then(|| format!("row {place} – more")),
            url: (kind == ButtonKind::Link).then(|| format!("https://shop.example/{number}/{place}?a=1&b=2")),
        })
        .collect()
}
