//! Routes: maps paths to providers.

use crate::definition::RequestRoute;
use crate::providers::Provider;

/// Path prefix for webhooks of providers without their own routes: `/webhooks/{name}`.
const WEBHOOKS: &str = "/webhooks/";

/// Additional paths of webhooks: callback URLs that existing applications have configured at the provider.
const ALIASES: [(&str, Provider); 1] = [("/api/woosh/webhook", Provider::Woosh)];

/// The origin of a body: a provider, and one of its POST routes.
///
/// `Route::from(provider)` has no path: the format is detected from the shape of the body.
#[derive(Clone, Copy)]
pub struct Route {
    provider: Provider,
    pub(crate) request: Option<&'static RequestRoute>,
}

impl Route {
    /// Finds the route for a path, with or without a trailing slash. `None` if no provider has it.
    pub fn find(path: &str) -> Option<Route> {
        let path = path.strip_suffix('/').unwrap_or(path);
        if let Some((_, provider)) = ALIASES.into_iter().find(|(alias, _)| *alias == path) {
            return Some(Route::from(provider));
        }
        Provider::ALL.into_iter().find_map(|provider| match provider.definition().requests {
            [] => (path.strip_prefix(WEBHOOKS)? == provider.name()).then(|| Route::from(provider)),
            requests => {
                let request = requests.iter().find(|request| request.path == path)?;
                Some(Route { provider, request: Some(request) })
            }
        })
    }

    /// The POST routes of a provider.
    pub fn of(provider: Provider) -> Vec<Route> {
        match provider.definition().requests {
            [] => vec![Route::from(provider)],
            requests => requests.iter().map(|request| Route { provider, request: Some(request) }).collect(),
        }
    }

    /// The provider that the route belongs to.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The path without a trailing slash.
    pub fn path(&self) -> String {
        match self.request {
            Some(request) => request.path.to_owned(),
            None => format!("{WEBHOOKS}{}", self.provider),
        }
    }
}

impl From<Provider> for Route {
    fn from(provider: Provider) -> Self {
        Route { provider, request: None }
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Route({})", self.path())
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.path() == other.path()
    }
}

impl Eq for Route {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_leads_to_its_route() {
        let mut paths = Vec::new();
        for provider in Provider::ALL {
            for route in Route::of(provider) {
                assert_eq!(Route::find(&route.path()), Some(route));
                assert_eq!(Route::find(&format!("{}/", route.path())), Some(route));
                paths.push(route.path());
            }
        }
        let expected = ["/webhooks/meta", "/webhooks/woosh", "/webhooks/interakt", "/webhooks/wasender"];
        assert!(expected.iter().all(|path| paths.contains(&(*path).to_owned())), "{paths:?}");
        let routes = paths.len();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), routes, "two routes share a path");
    }

    #[test]
    fn an_alias_leads_to_the_providers_own_route() {
        for path in ["/api/woosh/webhook", "/api/woosh/webhook/"] {
            assert_eq!(Route::find(path), Some(Route::from(Provider::Woosh)));
        }
    }

    #[test]
    fn a_provider_with_routes_of_its_own_has_no_webhook_route() {
        assert_eq!(Route::find("/webhooks/tracker"), None);
        for path in ["", "/", "/webhooks", "/webhooks/", "/webhooks/other", "/webhooks/meta/x"] {
            assert_eq!(Route::find(path), None, "{path}");
        }
    }
}
