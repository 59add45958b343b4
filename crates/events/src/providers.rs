//! The providers. Each has a file in `providers/` with its `DEFINITION`, and one line in the list below.
//!
//! Routes, names of secrets, error messages and `bluetick providers` are derived from the definitions.
//! `CONTRIBUTING.md` describes how to add a provider.

use std::fmt;
use std::str::FromStr;

use crate::auth_scheme::AuthScheme;
use crate::definition::Definition;

/// Generates a variant of [`Provider`] and a module for each line.
macro_rules! providers {
    ($($variant:ident => $module:ident,)*) => {
        $(mod $module;)*

        /// A sender of events to the ingest function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Provider {
            $(#[doc = concat!("Defined in `providers/", stringify!($module), ".rs`.")] $variant,)*
        }

        impl Provider {
            /// All providers.
            pub const ALL: [Provider; [$(Provider::$variant),*].len()] = [$(Provider::$variant),*];

            pub(crate) const fn definition(self) -> &'static Definition {
                match self {
                    $(Provider::$variant => &$module::DEFINITION,)*
                }
            }
        }
    };
}

providers! {
    Meta => meta,
    Woosh => woosh,
    Interakt => interakt,
    Wasender => wasender,
    Tracker => tracker,
}

impl Provider {
    /// The provider's name in records, in routes and on the command line.
    pub const fn name(self) -> &'static str {
        self.definition().name
    }

    /// How webhooks of this provider are authenticated.
    pub const fn auth_scheme(self) -> &'static AuthScheme {
        &self.definition().auth
    }

    /// The names of the settings that hold this provider's secrets.
    pub fn secret_names(self) -> impl Iterator<Item = &'static str> {
        self.auth_scheme().setting_names()
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not the name of a provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown provider {0:?}; expected one of: {names}", names = Provider::ALL.map(Provider::name).join(", "))]
pub struct UnknownProvider(pub String);

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> Result<Self, UnknownProvider> {
        Provider::ALL
            .into_iter()
            .find(|provider| provider.name() == name)
            .ok_or_else(|| UnknownProvider(name.to_owned()))
    }
}
