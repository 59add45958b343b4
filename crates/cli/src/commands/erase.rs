//! `bluetick erase`: removes a person's rows.

use std::collections::BTreeSet;
use std::error::Error;
use std::process::ExitCode;

use bluetick_lake::Person;
use bluetick_transform::lookups;
use serde_json::json;

use crate::archive::erasing;
use crate::commands::{LakeArguments, OptionalLookupsArguments};
use crate::output::{self, CommandResult};

/// Remove a person's rows from the lake, and from all later replays
#[derive(clap::Args)]
#[group(id = "person", required = true, multiple = false)]
pub(crate) struct PersonArguments {
    /// The phone number, digits only, or its keyed hash if phone numbers are pseudonymised
    #[arg(long, value_name = "NUMBER")]
    wa_id: Option<String>,
    /// The business-scoped user id
    #[arg(long, value_name = "ID")]
    user_id: Option<String>,
    /// Repeat all recorded erasures, after manifests were restored from a backup
    #[arg(long)]
    again: bool,
}

/// Remove a person's rows from the lake, and from all later replays
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    person: PersonArguments,
    #[command(flatten)]
    lake: LakeArguments,
    #[command(flatten)]
    lookups: OptionalLookupsArguments,
    /// Also remove the bodies that name an erased person from this archive: s3://bucket/archive or file:///directory
    #[arg(long, value_name = "URL", conflicts_with = "status")]
    archive: Option<String>,
    /// Erase nothing; report the progress of an earlier erasure
    #[arg(long, conflicts_with = "again")]
    status: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    let person = match (&arguments.person.wa_id, &arguments.person.user_id) {
        (Some(wa_id), _) => Person::WaId(wa_id.clone()),
        (None, Some(user_id)) => Person::UserId(user_id.clone()),
        (None, None) => {
            let rows_removed = arguments.lake.open_existing()?.erase_again().await?;
            let bodies_removed = erase_from_archive(arguments).await?;
            let report = json!({"rows_removed": rows_removed, "archived_bodies_removed": bodies_removed});
            output::report(arguments.json, &report)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let lake = arguments.lake.open_existing()?;
    if arguments.status {
        let state = lake.erasure(&person).await?;
        let report = json!({
            "requested_at_ms": state.map(|state| state.until_ms),
            "confirm_after_ms": state.and_then(|state| state.confirm_after_ms),
            "confirmed": state.map(|state| state.confirmed),
        });
        output::report(arguments.json, &report)?;
        return Ok(ExitCode::SUCCESS);
    }
    let lookups = arguments.lookups.open().await?;
    // Find the messages before the rows are erased.
    let named = match &lookups {
        Some(_) => lookups::messages_naming(&lake, &person).await?,
        None => BTreeSet::new(),
    };
    let report = lake.erase(&person).await?;
    if let Some(store) = &lookups {
        lookups::erase(&lake, &**store, &person, named).await.map_err(|error| {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("the person is erased from the lake, but not from the look-up store ({error}{cause}); run `bluetick lookups rebuild`")
        })?;
    }
    let bodies_removed = erase_from_archive(arguments).await?;
    let mut remaining_copies: Vec<_> = report
        .remaining_copies
        .iter()
        .map(|copy| json!({"place": copy.place, "until_ms": copy.until_ms, "ends_by": copy.ends_by}))
        .collect();
    // Firehose may still hold bodies of the person when the archive is searched.
    remaining_copies.push(json!({
        "place": "archived_bodies",
        "until_ms": null,
        "ends_by": match bodies_removed {
            Some(_) => "the expiry rule of archive/, or --again --archive for bodies that arrived since",
            None => "the expiry rule of archive/, or --archive",
        },
    }));
    let partitions: Vec<_> = report.partitions.iter().map(ToString::to_string).collect();
    let report = json!({
        "rows_removed": report.rows_removed,
        "confirm_after_ms": report.confirm_after_ms,
        "archived_bodies_removed": bodies_removed,
        "partitions": partitions,
        "superseded_files": report.superseded_parts,
        "remaining_copies": remaining_copies,
    });
    output::report(arguments.json, &report)?;
    Ok(ExitCode::SUCCESS)
}

/// Removes the bodies of all erased persons from the archive, if one is given. Returns their number.
async fn erase_from_archive(arguments: &Arguments) -> Result<Option<u64>, Box<dyn Error + Send + Sync>> {
    let Some(url) = &arguments.archive else { return Ok(None) };
    let removed = erasing::erase(arguments.lake.open_existing()?, url).await.map_err(|error| {
        format!("the lake is done, but not the archive; run `bluetick erase --again --archive {url}`: {error}")
    })?;
    Ok(Some(removed.bodies))
}
