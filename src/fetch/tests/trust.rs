//! Certificates, authorities, proxies and secrets.

use super::*;

#[tokio::test]
async fn faulty_certificates_are_told_apart_and_forgiven_only_by_name() {
    let cases = [
        (Certificate::Expired, "MSK-FET-08"),
        (Certificate::OtherName, "MSK-FET-10"),
        (Certificate::Untrusted, "MSK-FET-09"),
    ];
    for (certificate, code) in cases {
        let site = Site::new().route("/", html("x"));
        let server = Server::start_tls(site, certificate).await.expect("loopback");
        let url = server.url("/");
        // The fault in question must be the only one: the other two are trusted by bundle.
        let issuer = if certificate == Certificate::Untrusted {
            Certificate::OtherName
        } else {
            certificate
        };
        let options = || HttpOptions {
            trust: Trust::Only(issuer.pem().into()),
            ..options()
        };
        assert_eq!(refusal(options(), &url).await.code(), code);
        let forgiving = HttpOptions {
            allow_invalid_tls: vec!["127.0.0.1".to_owned()],
            ..options()
        };
        let fetched = page(forgiving, &url).await.expect("a page");
        assert_eq!(fetched.tls_fault.expect("the fault is told").code(), code);
        let other = HttpOptions {
            allow_invalid_tls: vec!["school-1.example".to_owned()],
            ..options()
        };
        assert_eq!(refusal(other, &url).await.code(), code);
    }
}

#[tokio::test]
async fn a_bundle_of_our_own_is_believed_and_an_empty_one_refused() {
    let site = Site::new().route("/", html("x"));
    let server = Server::start_tls(site, Certificate::Untrusted).await.expect("loopback");
    let pem = Certificate::Untrusted.pem();
    for trust in [Trust::Only(pem.into()), Trust::SystemAnd(pem.into())] {
        let fetched = page(HttpOptions { trust, ..options() }, &server.url("/"))
            .await
            .expect("a page");
        assert!(fetched.tls_fault.is_none());
    }
    let unnamed = HttpOptions::pages("no\nheader");
    assert_eq!(
        Fetcher::new(unnamed, Traffic::default())
            .expect_err("a bad name")
            .code(),
        "MSK-FET-26"
    );
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in ["", "not a certificate", broken] {
        let trust = Trust::SystemAnd(text.into());
        let problem = Fetcher::new(HttpOptions { trust, ..options() }, Traffic::default()).expect_err("no certificate");
        assert_eq!(problem.code(), "MSK-FET-25", "{text:?}");
    }
}

#[tokio::test]
async fn a_proxy_of_the_configuration_is_asked_and_private_targets_are_refused_behind_it() {
    let proxy = server(Site::new().route("http://school-1.example/sveden", html("x"))).await;
    let behind = HttpOptions {
        proxy: Some(proxy.url("")),
        allow_private: Vec::new(),
        ..options()
    };
    let fetched = page(behind.clone(), "http://school-1.example/sveden")
        .await
        .expect("a page");
    assert_eq!(fetched.body, b"x");
    assert_eq!(refusal(behind, "http://10.0.0.1/").await.code(), "MSK-FET-03");
}

#[tokio::test]
async fn a_handshake_that_breaks_off_says_so() {
    let server = server(Site::new()).await;
    let url = server.url("/").replace("http://", "https://");
    let problem = refusal(options(), &url).await;
    assert!(problem.ru_line().contains("handshake"), "{problem}");
}

#[tokio::test]
#[ignore = "needs a process without authorities; a_machine_without_authorities_… below starts it so"]
async fn without_authorities_child() {
    let plain = server(Site::new().route("/", html("x"))).await;
    assert!(page(options(), &plain.url("/")).await.is_ok());
    let site = Site::new().route("/", html("x"));
    let server = Server::start_tls(site, Certificate::Untrusted).await.expect("loopback");
    let problem = refusal(options(), &server.url("/")).await;
    assert_eq!(problem.code(), "MSK-FET-24");
    let trust = Trust::Only(Certificate::Untrusted.pem().into());
    assert!(page(HttpOptions { trust, ..options() }, &server.url("/")).await.is_ok());
}

#[test]
fn a_machine_without_authorities_and_with_a_foreign_proxy_fetches_all_the_same() {
    let child = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "fetch::tests::trust::without_authorities_child", "--ignored"])
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("SSL_CERT_DIR", "/nonexistent")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("http_proxy", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1")
        .output()
        .expect("a child");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}
