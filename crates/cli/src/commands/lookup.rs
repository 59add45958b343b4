//! `bluetick lookup`: the look-ups of the HTTP routes, from the command line.

use std::process::ExitCode;

use bluetick_events::{Options, pseudonymised};
use bluetick_ingest::lookup_routes::statuses;
use bluetick_ingest::settings::Secrets;
use bluetick_lookups::{Filter, Lookups, State, requests};
use url::form_urlencoded;

use crate::commands::LookupsArguments;
use crate::output::{self, CommandResult};

/// Ask what became of messages; prints the JSON that the HTTP routes answer
///
/// Where phone numbers are hashed, PSEUDONYM_KEY must be set as it is for the server, so that a number or an id finds its hash.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    question: Question,
}

#[derive(clap::Subcommand)]
enum Question {
    /// The states of messages
    Status {
        /// Their ids
        #[arg(value_name = "WAMID", required = true)]
        wamids: Vec<String>,
        #[command(flatten)]
        lookups: LookupsArguments,
    },
    /// The messages that were sent last, at most 50
    Messages(#[command(flatten)] Messages),
    /// The message that was sent last for a registration
    Latest {
        /// The registration
        #[arg(long, value_name = "ID")]
        registration_id: String,
        #[command(flatten)]
        lookups: LookupsArguments,
    },
}

/// The filters of `bluetick lookup messages`; a message must meet all that are given.
#[derive(clap::Args)]
struct Messages {
    /// Those of a registration
    #[arg(long, value_name = "ID")]
    registration_id: Option<String>,
    /// Those of an event
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// Those of a guest
    #[arg(long, value_name = "ID")]
    guest_id: Option<String>,
    /// Those to a phone number, a business-scoped user id or a group
    #[arg(long, value_name = "NUMBER")]
    recipient_id: Option<String>,
    /// Those of a template
    #[arg(long, value_name = "NAME")]
    template_name: Option<String>,
    /// true: those that belong to no event; false: the others
    #[arg(long, value_name = "BOOL")]
    standalone: Option<bool>,
    /// Those in a state: sent, delivered, read, failed, deleted
    #[arg(long, value_parser = parse_state)]
    status: Option<State>,
    /// Where the page begins: next_cursor of the page before
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

/// As the server reads them: from the environment.
fn options() -> Result<Options, bluetick_ingest::settings::SettingsError> {
    Ok(Secrets::read(|name| std::env::var(name).ok(), false)?.options)
}

impl Messages {
    /// The query of the HTTP route, so that both read values alike.
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
