//! The error columns of a status.

use crate::extracted::{integer, text};
use crate::flattening::{Draft, Flattening, fill};
use crate::json::Json;
use crate::record::Status;

/// Sets the error columns from one element of `errors`. Relays differ from Meta: they write codes as strings, put
/// `details` beside the code, or send only a text.
pub(crate) fn fill_error<'j>(flattening: &Flattening<'_>, draft: &mut Draft<Status<'j>>, error: &'j Json<'j>) {
    let details = error.at(&["error_data", "details"]);
    let details = if details.is_null() { error.get("details") } else { details };
    fill!(flattening, *draft, {
        error_code: integer(error.get("code")),
        error_title: text(error.get("title")),
        error_message: text(error.get("message")).or_else(|| text(error)),
        error_details: text(details),
    });
}
