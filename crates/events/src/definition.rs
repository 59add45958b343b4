//! What each provider's file declares: its name, credentials, routes, and how its bodies are read.

use crate::auth_scheme::AuthScheme;
use crate::flattening::Flattening;
use crate::json::{Json, Unreadable};

/// A provider's declaration. Routes, settings, error messages and the list of providers follow from it.
pub(crate) struct Definition {
    /// Its name in records, in the route `/webhooks/{name}` and on the command line: lower-case letters.
    pub(crate) name: &'static str,
    /// How its webhooks are authenticated.
    pub(crate) auth: AuthScheme,
    /// Reads a body.
    pub(crate) flatten: FlattenBody,
    /// Routes of its own, which take the place of `/webhooks/{name}`.
    pub(crate) requests: &'static [RequestRoute],
}

/// Adds the records of a body; `false` if the body has no known shape. The caller then keeps it as an account event.
pub(crate) type FlattenBody = for<'j> fn(&mut Flattening<'_>, &'j Json<'j>) -> bool;

/// Adds the record of a request and gives the response's body.
pub(crate) type FlattenRequest =
    for<'j> fn(&mut Flattening<'_>, &'j Json<'j>) -> Result<serde_json::Value, InvalidRequest>;

/// A route that answers an invalid request with an error. A webhook, in contrast, is always stored.
#[derive(Clone, Copy)]
pub(crate) struct RequestRoute {
    /// The path without a slash at its end.
    pub(crate) path: &'static str,
    /// Reads a request.
    pub(crate) flatten: FlattenRequest,
}

/// A request that the caller must correct: status 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// The body cannot be parsed.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A required field is missing or empty.
    #[error("field {0} is required")]
    Missing(&'static str),
    /// A field's value has the wrong type or format.
    #[error("field {field} must be {expected}")]
    Invalid {
        /// The field's name.
        field: &'static str,
        /// What the value must be.
        expected: &'static str,
    },
}
