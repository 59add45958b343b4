//! Authentication. The signatures were computed with `openssl dgst -sha256 -hmac`; Interakt's is its published
//! example.

use bluetick_events::Provider;
use bluetick_events::signature::{
    AuthError, HeaderCheck, ProviderAuth, Secret, authenticate, check_headers, handshake,
};

const META_BODY: &[u8] = br#"{"object":"whatsapp_business_account","note":"Gr\u00fc\u00dfe \/ \u0040 50\u0025"}"#;

fn secrets(texts: &[&str]) -> Vec<Secret> {
    texts.iter().filter_map(|text| Secret::new(text)).collect()
}

fn hmac(texts: &[&str]) -> ProviderAuth {
    ProviderAuth { hmac_secrets: secrets(texts), ..ProviderAuth::default() }
}

fn tokens(texts: &[&str]) -> ProviderAuth {
    ProviderAuth { tokens: secrets(texts), ..ProviderAuth::default() }
}

fn check(provider: Provider, headers: &[(&str, &str)], body: &[u8], auth: &ProviderAuth) -> Result<(), AuthError> {
    let header = |name: &str| {
        let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_bytes())
    };
    let result = authenticate(provider.auth_scheme(), &header, body, auth);
    // Checking only the headers must not reject an authentic webhook, nor accept one that is not.
    match check_headers(provider.auth_scheme(), &header, auth) {
        Ok(HeaderCheck::Authentic) => assert_eq!(result, Ok(())),
        Ok(HeaderCheck::NeedsBody) => assert!(matches!(result, Ok(()) | Err(AuthError::Wrong(_)))),
        Err(reason) => assert_eq!(result, Err(reason)),
    }
    result
}

#[test]
fn the_published_example_of_interakt_verifies() {
    let body = br#"{"foo":1,"bar":2}"#;
    let signature = "sha256=b84783d10ede5bd6ed771e8b16fbe5a7093340159d6e49ec4248350b6ec2c7b4";
    let check = |secret, signature: &str| {
        check(Provider::Interakt, &[("interakt-signature", signature)], body, &hmac(&[secret]))
    };
    assert_eq!(check("examplekey", signature), Ok(()));
    assert_eq!(check("\u{feff}examplekey \r\n", signature), Ok(()));
    assert_eq!(check("mySecret", signature), Err(AuthError::Wrong("Interakt-Signature")));
    assert_eq!(check("examplekey", &signature.to_uppercase()), Ok(()));
}

#[test]
fn meta_signs_the_bytes_as_they_came() {
    let signature = "sha256=80ae548d9ba4800f0f8d7d9c2dd21187522d8ce4894643dd14b73741ae577518";
    let header = [("X-HUB-SIGNATURE-256", signature)];
    assert_eq!(check(Provider::Meta, &header, META_BODY, &hmac(&["bluetick-test-secret"])), Ok(()));
    assert_eq!(check(Provider::Meta, &header, META_BODY, &hmac(&["older", "bluetick-test-secret", "newer"])), Ok(()));
    let wrong = Err(AuthError::Wrong("X-Hub-Signature-256"));
    let written_again: serde_json::Value = serde_json::from_slice(META_BODY).unwrap();
    let written_again = written_again.to_string();
    assert_eq!(check(Provider::Meta, &header, written_again.as_bytes(), &hmac(&["bluetick-test-secret"])), wrong);
    for broken in ["", "sha256=", "sha256=00", "sha1=00", &signature[7..], &signature[..70], &format!("{signature}0")] {
        let header = [("x-hub-signature-256", broken)];
        assert_eq!(check(Provider::Meta, &header, META_BODY, &hmac(&["bluetick-test-secret"])), wrong, "{broken:?}");
    }
    let not_hexadecimal = format!("sha256={}", "zz".repeat(32));
    let header = [("x-hub-signature-256", not_hexadecimal.as_str())];
    assert_eq!(check(Provider::Meta, &header, META_BODY, &hmac(&["bluetick-test-secret"])), wrong);
}

#[test]
fn every_changed_byte_is_noticed() {
    let signature = "sha256=80ae548d9ba4800f0f8d7d9c2dd21187522d8ce4894643dd14b73741ae577518";
    let auth = hmac(&["bluetick-test-secret"]);
    for index in 0..META_BODY.len() {
        let mut body = META_BODY.to_vec();
        body[index] ^= 1;
        assert!(check(Provider::Meta, &[("x-hub-signature-256", signature)], &body, &auth).is_err(), "byte {index}");
    }
}

#[test]
fn without_a_configured_secret_everything_is_refused() {
    for provider in Provider::ALL {
        for auth in [ProviderAuth::default(), hmac(&["", " \n", "\u{feff}"]), tokens(&[""])] {
            assert_eq!(check(provider, &[], b"{}", &auth), Err(AuthError::NotConfigured), "{provider}");
            let empty = [
                ("X-Hub-Signature-256", ""),
                ("Interakt-Signature", ""),
                ("X-Webhook-Signature", ""),
                ("X-Webhook-Token", ""),
                ("Authorization", "Bearer "),
            ];
            assert_eq!(check(provider, &empty, b"{}", &auth), Err(AuthError::NotConfigured), "{provider}");
        }
    }
}

#[test]
fn opting_out_of_signatures_opens_woosh_only() {
    let open = ProviderAuth { allow_unsigned: true, ..ProviderAuth::default() };
    for provider in Provider::ALL {
        let expected = if provider == Provider::Woosh { Ok(()) } else { Err(AuthError::NotConfigured) };
        assert_eq!(check(provider, &[], b"{}", &open), expected, "{provider}");
    }
}

#[test]
fn wasender_and_the_tracker_bear_their_secret() {
    for (provider, name) in [(Provider::Wasender, "X-Webhook-Signature"), (Provider::Tracker, "X-Webhook-Token")] {
        let auth = tokens(&["first", "second"]);
        assert_eq!(check(provider, &[(&name.to_lowercase(), "second")], b"{}", &auth), Ok(()));
        assert_eq!(check(provider, &[(name, "Second")], b"{}", &auth), Err(AuthError::Wrong(name)));
        assert_eq!(check(provider, &[(name, "sec")], b"{}", &auth), Err(AuthError::Wrong(name)));
        assert_eq!(check(provider, &[], b"{}", &auth), Err(AuthError::Missing(name)));
        assert_eq!(check(provider, &[(name, "x")], b"{}", &hmac(&["x"])), Err(AuthError::NotConfigured));
    }
}

#[test]
fn woosh_signs_or_bears_a_token_or_is_opted_out() {
    let body = br#"{"type":"message.status"}"#;
    let signature = "sha256=048b3798e9262078b2d377d02224fc5b312767876ff982f325276e2ca6d5404e";
    let both = ProviderAuth {
        hmac_secrets: secrets(&["bluetick-test-secret"]),
        tokens: secrets(&["bluetick-token"]),
        ..ProviderAuth::default()
    };
    let check = |headers: &[(&str, &str)], auth: &ProviderAuth| check(Provider::Woosh, headers, body, auth);
    assert_eq!(check(&[("x-woosh-signature", signature)], &both), Ok(()));
    assert_eq!(check(&[("x-hub-signature-256", signature)], &both), Ok(()));
    assert_eq!(check(&[("authorization", "bearer bluetick-token")], &both), Ok(()));
    assert_eq!(check(&[("x-api-key", "bluetick-token")], &both), Ok(()));
    assert_eq!(check(&[("X-Tenant-Key", "bluetick-token")], &both), Ok(()));
    assert_eq!(check(&[], &both), Err(AuthError::Missing("X-Woosh-Signature")));
    assert_eq!(check(&[("authorization", "Bearer other")], &both), Err(AuthError::Wrong("Authorization")));
    // A wrong signature is rejected although the token is right, and a wrong credential is rejected although
    // credentials are optional.
    let wrong = [("x-woosh-signature", "sha256=00"), ("authorization", "Bearer bluetick-token")];
    assert_eq!(check(&wrong, &both), Err(AuthError::Wrong("X-Woosh-Signature")));
    let open = ProviderAuth { allow_unsigned: true, ..both.clone() };
    assert_eq!(check(&wrong, &open), Err(AuthError::Wrong("X-Woosh-Signature")));
    assert_eq!(check(&[("authorization", "Bearer other")], &open), Err(AuthError::Wrong("Authorization")));
    assert_eq!(check(&[], &open), Ok(()));
    // A credential of a kind for which nothing is configured is rejected.
    let only_open = ProviderAuth { allow_unsigned: true, ..ProviderAuth::default() };
    assert_eq!(check(&[("x-woosh-signature", signature)], &only_open), Err(AuthError::Wrong("X-Woosh-Signature")));
    assert_eq!(check(&[("x-api-key", "k")], &only_open), Err(AuthError::Wrong("X-Api-Key")));
}

#[test]
fn the_handshake_gives_the_challenge() {
    let tokens = secrets(&["older", "verify me+now"]);
    let query = "hub.mode=subscribe&hub.challenge=11%2042&hub.verify_token=verify%20me%2Bnow";
    assert_eq!(handshake(query, &tokens), Ok("11 42".to_owned()));
    assert_eq!(handshake("hub.challenge=7&hub.verify_token=older&hub%2Emode=subscribe", &tokens), Ok("7".to_owned()));
    let wrong = [
        ("", AuthError::MissingParameter("hub.verify_token")),
        ("hub.verify_token=older", AuthError::MissingParameter("hub.challenge")),
        ("hub.verify_token=older&hub.challenge=1", AuthError::MissingParameter("hub.mode")),
        ("hub.verify_token=older&hub.challenge=1&hub.mode=unsubscribe", AuthError::Wrong("hub.mode")),
        ("hub.verify_token=else&hub.challenge=1&hub.mode=subscribe", AuthError::Wrong("hub.verify_token")),
        ("hub.verify_token=&hub.challenge=1&hub.mode=subscribe", AuthError::Wrong("hub.verify_token")),
        ("hub.verify_token=older&hub.challenge=%ff&hub.mode=subscribe", AuthError::Wrong("hub.challenge")),
        ("hub.verify_token=old%2&hub.challenge=%+1&hub.mode=subscribe", AuthError::Wrong("hub.verify_token")),
    ];
    for (query, error) in wrong {
        assert_eq!(handshake(query, &tokens), Err(error), "{query}");
    }
    assert_eq!(handshake(query, &[]), Err(AuthError::NotConfigured));
}

#[test]
fn secrets_are_not_shown() {
    let auth =
        ProviderAuth { hmac_secrets: secrets(&["s3cret"]), tokens: secrets(&["t0ken"]), ..ProviderAuth::default() };
    let shown = format!("{auth:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("t0ken"), "{shown}");
}

#[test]
fn headers_alone_refuse_what_no_body_can_make_good() {
    let check = |provider: Provider, headers: &[(&str, &str)], auth: &ProviderAuth| {
        let header = |name: &str| {
            let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_bytes())
        };
        check_headers(provider.auth_scheme(), &header, auth)
    };
    let signature = format!("sha256={}", "0".repeat(64));
    let missing = Err(AuthError::Missing("X-Hub-Signature-256"));
    let wrong = Err(AuthError::Wrong("X-Hub-Signature-256"));
    assert_eq!(check(Provider::Meta, &[], &hmac(&["s"])), missing);
    assert_eq!(check(Provider::Meta, &[("x-hub-signature-256", "sha256=00")], &hmac(&["s"])), wrong);
    assert_eq!(
        check(Provider::Meta, &[("x-hub-signature-256", &signature)], &hmac(&["s"])),
        Ok(HeaderCheck::NeedsBody)
    );
    assert_eq!(check(Provider::Tracker, &[("x-webhook-token", "t")], &tokens(&["t"])), Ok(HeaderCheck::Authentic));
    let wrong = Err(AuthError::Wrong("X-Webhook-Token"));
    assert_eq!(check(Provider::Tracker, &[("x-webhook-token", "u")], &tokens(&["t"])), wrong);
}
