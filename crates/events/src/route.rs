//! Routes: which path belongs to which provider.

use crate::definition::RequestRoute;
use crate::providers::Provider;

/// Where webhooks of providers without routes of their own arrive: `/webhooks/{name}`.
const WEBHOOKS: &str = "/webhooks/";

/// Further paths of providers' webhooks: callbacks that existing applications have configured at the provider.
const ALIASES: [(&str, Provider); 1] = [("/api/woosh/webhook", Provider::Woosh)];

/// Where a body comes from: a provider, and one of its POST routes.
///
/// `Route::from(provider)` has no path: the shape of the body decides how it is read.
#[derive(Clone, Copy)]
pub struct Route {
    provider: Provider,
    pub(crate) request: Option<&'static RequestRoute>,
}

impl Route {
    /// The route with this path, which may end with a slash. `None` if no provider has it.
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

    /// The provider whose route it is.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The path, without a slash at its end.
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
