//! Who may read: Host, Origin and token of a request.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use http::header::{AUTHORIZATION, COOKIE, HOST, HeaderName, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Method};
use subtle::ConstantTimeEq;

/// Name of the parameter of the address with the token. Jupyter takes `token` for its own.
const TOKEN: &str = "access";
/// Name of the parameter with a ticket.
const TICKET: &str = "ticket";

/// The secrets and the rules of a server.
pub(crate) struct Access {
    pub(crate) secrets: Secrets,
    /// Names of hosts, lower case, that a request may be for beside loopback.
    pub(crate) allowed_hosts: Vec<String>,
    /// The address on which the server listens, as a host. An address, unlike a name, cannot
    /// be made to lead elsewhere.
    pub(crate) bound: String,
    /// Origins whose pages may read.
    pub(crate) cors: Vec<String>,
    /// Name of the cookie. It has the port in it: browsers do not tell ports of a host apart.
    pub(crate) cookie: String,
}

/// The random texts that open the dataset.
pub(crate) struct Secrets {
    /// The token of the printed address, and of the header `Authorization`.
    pub(crate) token: String,
    /// The value of the cookie.
    pub(crate) session: String,
    /// Opens the dataset once: other users of the machine can read the arguments of the
    /// program that opens a browser.
    pub(crate) ticket: Mutex<Option<String>>,
}

/// What is done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The object is sent.
    Serve,
    /// The client gets the cookie, and is sent to the same address without the token.
    GiveCookie,
    /// The browser is told that a page of this origin may ask.
    Preflight,
    /// 403, for this reason.
    Refuse(&'static str),
}

impl Access {
    /// Judges a request.
    pub(crate) fn judge(&self, request: &Parts) -> Verdict {
        if !self.is_host_allowed(request) {
            return Verdict::Refuse(
                "the host of this address is not one that this server is for; name it with \
                 --allowed-host",
            );
        }
        if self.is_foreign(request) {
            return Verdict::Refuse(
                "pages of other servers may not read this dataset; --cors ORIGIN allows one",
            );
        }
        if request.method == Method::OPTIONS {
            return match self.cors_origin(&request.headers) {
                Some(_) => Verdict::Preflight,
                None => Verdict::Refuse("this server answers GET and HEAD only"),
            };
        }
        let query = request.uri.query().unwrap_or_default();
        if value_in(query, '&', TOKEN).is_some_and(|token| self.is_token(token))
            || value_in(query, '&', TICKET).is_some_and(|ticket| self.take_ticket(ticket))
        {
            return Verdict::GiveCookie;
        }
        match self.has_cookie(&request.headers) || self.has_bearer(&request.headers) {
            true => Verdict::Serve,
            false => Verdict::Refuse(
                "open the address that rxrx2zarr serve printed: it has the token in it. Programs \
                 send the token as the header Authorization: Bearer TOKEN",
            ),
        }
    }

    /// The origin of a page that `--cors` names, if the request comes from one.
    pub(crate) fn cors_origin<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let origin = text(headers, ORIGIN)?;
        let is_named = self.cors.iter().any(|named| named == origin);
        is_named.then_some(origin)
    }

    /// Whether the request is for a host that this server answers for. Without this, a name
    /// that an attacker resolves to 127.0.0.1 would be of the same origin as his page.
    fn is_host_allowed(&self, request: &Parts) -> bool {
        let mut hosts = request.headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return false;
        };
        let host = host.to_str().ok().and_then(|host| host.parse().ok());
        // A request line may name a host, too.
        let named = host.iter().chain(request.uri.authority());
        let mut named = named.map(|authority: &Authority| self.answers_for(authority.host()));
        host.is_some() && named.all(|answers| answers)
    }

    fn answers_for(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        is_loopback(&host) || host == self.bound || self.allowed_hosts.contains(&host)
    }

    /// Whether the page of another origin asks, and `--cors` does not name it.
    fn is_foreign(&self, request: &Parts) -> bool {
        let headers = &request.headers;
        if self.cors_origin(headers).is_some() {
            return false;
        }
        if headers.contains_key(ORIGIN) {
            let origin = text(headers, ORIGIN).and_then(|origin| origin.split_once("://"));
            let own = text(headers, HOST).unwrap_or_default();
            return !origin.is_some_and(|(_, authority)| {
                let host = authority.parse().ok();
                let host = host.map(|host: Authority| host.host().to_ascii_lowercase());
                let is_allowed = host.is_some_and(|host| self.allowed_hosts.contains(&host));
                authority.eq_ignore_ascii_case(own) || is_allowed
            });
        }
        // A page of another port of this host is of the same site, so it has the cookie.
        let from = text(headers, HeaderName::from_static("sec-fetch-site"));
        let mode = text(headers, HeaderName::from_static("sec-fetch-mode"));
        matches!(from, Some("cross-site" | "same-site")) && mode != Some("navigate")
    }

    fn is_token(&self, text: &str) -> bool {
        is_same(text, &self.secrets.token)
    }

    fn take_ticket(&self, text: &str) -> bool {
        let ticket = self.secrets.ticket.lock();
        let mut ticket = ticket.unwrap_or_else(PoisonError::into_inner);
        ticket.take_if(|ticket| is_same(text, ticket)).is_some()
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let mut cookies = headers.get_all(COOKIE).iter();
        cookies.any(|cookies| {
            let cookies = cookies.to_str().unwrap_or_default();
            let mut pairs = cookies.split(';').filter_map(|pair| pair.split_once('='));
            pairs.any(|(name, value)| {
                name.trim() == self.cookie && is_same(value.trim(), &self.secrets.session)
            })
        })
    }

    fn has_bearer(&self, headers: &HeaderMap) -> bool {
        let given = text(headers, AUTHORIZATION).and_then(|value| value.split_once(' '));
        given.is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && self.is_token(token.trim())
        })
    }
}

/// The address that a client is sent to after it gave its token: relative, so that it is right
/// behind a proxy that serves this server below a path of its own.
pub(crate) fn without_secret(request: &Parts) -> String {
    let path = request.uri.path();
    let name = path.rsplit('/').next().unwrap_or_default();
    let query = request.uri.query().unwrap_or_default().split('&');
    let is_secret = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        name == TOKEN || name == TICKET
    };
    let rest: Vec<&str> = query
        .filter(|pair| !pair.is_empty() && !is_secret(pair))
        .collect();
    let rest = rest.join("&");
    let mark = if rest.is_empty() { "" } else { "?" };
    format!("./{name}{mark}{rest}")
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The value of `name` in a list of `name=value`.
fn value_in<'a>(list: &'a str, separator: char, name: &str) -> Option<&'a str> {
    let mut pairs = list
        .split(separator)
        .filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(found, value)| (found == name).then_some(value))
}

/// Whether two texts are equal. The time that it takes tells nothing of a text.
fn is_same(given: &str, secret: &str) -> bool {
    given.as_bytes().ct_eq(secret.as_bytes()).into()
}

/// Whether a host, in lower case, is this machine.
fn is_loopback(host: &str) -> bool {
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let address = match inner {
        Some(inner) => inner.parse::<Ipv6Addr>().map(IpAddr::V6),
        None => host.parse::<IpAddr>(),
    };
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn access() -> Access {
        Access {
            secrets: Secrets {
                token: "secret".to_owned(),
                session: "session".to_owned(),
                ticket: Mutex::new(Some("once".to_owned())),
            },
            allowed_hosts: vec!["hub.example.org".to_owned()],
            bound: "10.0.0.7".to_owned(),
            cors: vec!["https://page.example".to_owned()],
            cookie: "rxrx2zarr-8000".to_owned(),
        }
    }

    fn judge(uri: &str, headers: &[(&str, &str)]) -> Verdict {
        judge_by(&access(), "GET", uri, headers)
    }

    fn judge_by(access: &Access, method: &str, uri: &str, headers: &[(&str, &str)]) -> Verdict {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        access.judge(&request.body(()).unwrap().into_parts().0)
    }

    const LOCAL: (&str, &str) = ("host", "127.0.0.1:8000");
    const BEARER: (&str, &str) = ("authorization", "Bearer secret");
    const SESSION: (&str, &str) = ("cookie", "a=b; rxrx2zarr-8000=session");

    fn is_refused(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Refuse(_))
    }

    #[test]
    fn only_the_token_opens() {
        assert_eq!(judge("/x", &[LOCAL, BEARER]), Verdict::Serve);
        assert_eq!(judge("/x", &[LOCAL, SESSION]), Verdict::Serve);
        assert_eq!(judge("/?access=secret", &[LOCAL]), Verdict::GiveCookie);
        assert_eq!(
            judge("/a/b?x=1&access=secret", &[LOCAL]),
            Verdict::GiveCookie
        );
        for refused in [
            judge("/x", &[LOCAL]),
            judge("/?access=secre", &[LOCAL]),
            judge("/?access=secrets", &[LOCAL]),
            judge("/?access=", &[LOCAL]),
            judge("/?session=session", &[LOCAL]),
            judge("/", &[LOCAL, ("cookie", "rxrx2zarr-8001=session")]),
            judge("/", &[LOCAL, ("cookie", "rxrx2zarr-8000=secret")]),
            judge("/", &[LOCAL, ("authorization", "Basic secret")]),
            judge("/", &[LOCAL, ("authorization", "secret")]),
        ] {
            assert!(is_refused(&refused), "{refused:?}");
        }
    }

    #[test]
    fn a_ticket_opens_once() {
        let access = access();
        let ask = || judge_by(&access, "GET", "/?ticket=once", &[LOCAL]);
        assert!(is_refused(&judge_by(
            &access,
            "GET",
            "/?ticket=no",
            &[LOCAL]
        )));
        assert_eq!(ask(), Verdict::GiveCookie);
        assert!(is_refused(&ask()));
    }

    #[test]
    fn the_host_is_loopback_or_allowed() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]:8000",
            "hub.example.org",
            "10.0.0.7:8000",
            "HUB.example.org:443",
        ] {
            let verdict = judge("/x", &[("host", host), BEARER]);
            assert_eq!(verdict, Verdict::Serve, "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "0.0.0.0",
            "[::]",
            "",
            "a b",
            "hub.example.org.evil.example",
        ] {
            let verdict = judge("/x", &[("host", host), BEARER]);
            assert!(is_refused(&verdict), "{host}");
        }
        assert!(is_refused(&judge("/x", &[BEARER])));
        assert!(is_refused(&judge(
            "/x",
            &[LOCAL, ("host", "evil.example"), BEARER]
        )));
        assert!(is_refused(&judge(
            "http://evil.example/x",
            &[LOCAL, BEARER]
        )));
    }

    #[test]
    fn a_foreign_page_reads_nothing() {
        for origin in [
            "https://evil.example",
            "http://10.0.0.7:9000",
            "null",
            "http://127.0.0.1:9000",
            "http://localhost:8000",
            "",
            "https://page.example.evil.example",
        ] {
            let verdict = judge("/x", &[LOCAL, SESSION, ("origin", origin)]);
            assert!(is_refused(&verdict), "{origin}");
        }
        for origin in [
            "http://127.0.0.1:8000",
            "https://page.example",
            "https://hub.example.org",
        ] {
            let verdict = judge("/x", &[LOCAL, SESSION, ("origin", origin)]);
            assert_eq!(verdict, Verdict::Serve, "{origin}");
        }
        // A page that --cors names needs the token all the same.
        let verdict = judge("/x", &[LOCAL, ("origin", "https://page.example")]);
        assert!(is_refused(&verdict));
        // Embedded by a page of another port, without an Origin.
        for (site, mode, served) in [
            ("same-site", "no-cors", false),
            ("cross-site", "no-cors", false),
            ("same-site", "navigate", true),
            ("same-origin", "cors", true),
            ("none", "navigate", true),
        ] {
            let headers = [
                LOCAL,
                SESSION,
                ("sec-fetch-site", site),
                ("sec-fetch-mode", mode),
            ];
            let verdict = judge("/x", &headers);
            assert_eq!(verdict == Verdict::Serve, served, "{site} {mode}");
        }
    }

    #[test]
    fn only_a_named_origin_may_ask_beforehand() {
        let ask = |origin| judge_by(&access(), "OPTIONS", "/x", &[LOCAL, ("origin", origin)]);
        assert_eq!(ask("https://page.example"), Verdict::Preflight);
        assert!(is_refused(&ask("https://evil.example")));
        assert!(is_refused(&judge_by(
            &access(),
            "OPTIONS",
            "/x",
            &[LOCAL, BEARER]
        )));
    }

    #[test]
    fn the_way_on_is_relative_and_has_no_secret() {
        let on = |uri: &str| {
            let request = Request::builder().uri(uri).body(()).unwrap();
            without_secret(&request.into_parts().0)
        };
        assert_eq!(on("/?access=a"), "./");
        assert_eq!(on("/?ticket=a&view=1"), "./?view=1");
        assert_eq!(on("/a/b.html?x=1&access=a&y=2"), "./b.html?x=1&y=2");
        // A path that looks like another host stays one of this host.
        assert_eq!(on("/a//evil.example?access=a"), "./evil.example");
    }
}
