//! The declaration of a provider: name, credentials, routes, and the function that parses its bodies.

use crate::auth_scheme::AuthScheme;
use crate::flattening::Flattening;
use crate::json::{Json, Unreadable};

/// A provider's declaration. Routes, settings, error messages and the list of providers are derived from it.
pub(crate) struct Definition {
    /// Name in records, in the route `/webhooks/{name}` and on the command line, in lower-case letters.
    pub(crate) name: &'static str,
    /// How the provider's webhooks are authenticated.
    pub(crate) auth: AuthScheme,
    /// Flattens a body.
    pub(crate) flatten: FlattenBody,
    /// The provider's own routes, which replace `/webhooks/{name}`.
    pub(crate) requests: &'static [RequestRoute],
}

/// Adds the records of a body. Returns `false` if the body has no known shape; the caller then stores it as an
/// account event.
pub(crate) type FlattenBody = for<'j> fn(&mut Flattening<'_>, &'j Json<'j>) -> bool;

/// Adds the record of a request. Returns the body of the response.
pub(crate) type FlattenRequest =
    for<'j> fn(&mut Flattening<'_>, &'j Json<'j>) -> Result<serde_json::Value, InvalidRequest>;

/// A route that answers an invalid request with an error. Webhooks, in contrast, are always stored.
#[derive(Clone, Copy)]
pub(crate) struct RequestRoute {
    /// The path without a trailing slash.
    pub(crate) path: &'static str,
    /// Flattens a request.
    pub(crate) flatten: FlattenRequest,
}

/// A request that the caller must correct (status 400).
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
        /// Description of valid values.
        expected: &'static str,
    },
}
