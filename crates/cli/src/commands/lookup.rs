//! `bluetick lookup`: queries the look-up store as the HTTP routes do.

use std::process::ExitCode;

use bluetick_events::{Options, pseudonymised};
use bluetick_ingest::lookup_routes::statuses;
use bluetick_ingest::settings::Secrets;
use bluetick_lookups::{Filter, Lookups, State, requests};
use url::form_urlencoded;

use crate::commands::LookupsArguments;
use crate::output::{self, CommandResult};

/// Look up the status of messages; prints the same JSON as the HTTP routes
///
/// If phone numbers are pseudonymised, set PSEUDONYM_KEY as for the server, so that a number or an id is converted to
/// its hash.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    question: Question,
}

#[derive(clap::Subcommand)]
enum Question {
    /// The delivery states of messages
    Status {
        /// Ids of the messages
        #[arg(value_name = "WAMID", required = true)]
        wamids: Vec<String>,
        #[command(flatten)]
        lookups: LookupsArguments,
    },
    /// The messages that were sent last, at most 50
    Messages(#[command(flatten)] Messages),
    /// The message that was sent last for a registration
    Latest {
        /// Id of the registration
        #[arg(long, value_name = "ID")]
        registration_id: String,
        #[command(flatten)]
        lookups: LookupsArguments,
    },
}

/// Filters of `bluetick lookup messages`. A message must match all that are given.
#[derive(clap::Args)]
struct Messages {
    /// Only messages of this registration
    #[arg(long, value_name = "ID")]
    registration_id: Option<String>,
    /// Only messages of this event
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// Only messages of this guest
    #[arg(long, value_name = "ID")]
    guest_id: Option<String>,
    /// Only messages to this phone number, business-scoped user id or group
    #[arg(long, value_name = "NUMBER")]
    recipient_id: Option<String>,
    /// Only messages with this template
    #[arg(long, value_name = "NAME")]
    template_name: Option<String>,
    /// true: only messages that belong to no event; false: only the others
    #[arg(long, value_name = "BOOL")]
    standalone: Option<bool>,
    /// Only messages in this state: sent, delivered, read, failed, deleted
    #[arg(long, value_parser = parse_state)]
    status: Option<State>,
    /// Start of the page: next_cursor of the previous page
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    lookups: LookupsArguments,
}

fn parse_state(text: &str) -> Result<State, String> {
    let names = || State::ALL.map(State::name).join(", ");
    State::ALL.into_iter().find(|state| state.name() == text).ok_or_else(|| format!("a state is one of {}", names()))
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    let answer = match &arguments.question {
        Question::Status { wamids, lookups } => {
            statuses(&Lookups::new(lookups.open().await?), wamids, &options()?).await?
        }
        Question::Messages(messages) => {
            let (filter, after) = requests::message_logs(&messages.query(), &options()?)?;
            Lookups::new(messages.lookups.open().await?).logs(&filter, after.as_ref()).await?
        }
        Question::Latest { registration_id, lookups } => {
            let registration_id = pseudonymised(registration_id, &options()?).into_owned();
            let filter = Filter { registration_id: Some(registration_id), ..Filter::default() };
            Lookups::new(lookups.open().await?).latest(&filter).await?
        }
    };
    output::line(answer)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the options from the environment, as the server does.
fn options() -> Result<Options, bluetick_ingest::settings::SettingsError> {
    Ok(Secrets::read(|name| std::env::var(name).ok(), false)?.options)
}

impl Messages {
    /// The query string of the HTTP route, so that the values are parsed in the same way.
    fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let texts = [
            ("registration_id", &self.registration_id),
            ("event_id", &self.event_id),
            ("guest_id", &self.guest_id),
            ("recipient_id", &self.recipient_id),
            ("template_name", &self.template_name),
            ("cursor", &self.cursor),
        ];
        query.extend_pairs(texts.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))));
        query.extend_pairs(self.standalone.map(|standalone| ("standalone", standalone.to_string())));
        query.extend_pairs(self.status.map(|status| ("status", status.name())));
        query.finish()
    }
}
