//! What comes back: pages, feeds, news and refusals.

use super::*;

#[tokio::test]
async fn a_page_comes_with_its_headers_hash_and_the_name_of_the_visitor() {
    let site = Site::new().route(
        "/",
        Response::page("text/html; charset=windows-1251", b"\xd8\xea\xee\xeb\xe0".to_vec()),
    );
    let server = server(site).await;
    let fetched = page(options(), &server.url("/")).await.expect("a page");
    assert_eq!(fetched.body, b"\xd8\xea\xee\xeb\xe0");
    assert_eq!(fetched.header("content-type"), Some("text/html; charset=windows-1251"));
    assert_eq!(
        fetched.validators.hash,
        Some(blake3::hash(&fetched.body).to_hex().to_string())
    );
    let visit = &server.visits()[0];
    let agent = visit.header("user-agent").expect("a name");
    assert!(
        agent.starts_with("msoko/") && agent.ends_with("(+mailto:msoko@uo.example)"),
        "{agent}"
    );
}

#[tokio::test]
async fn a_second_pass_asks_conditionally_and_reads_nothing() {
    let tagged = html("<p>1</p>")
        .header("ETag", "\"a\"")
        .header("Last-Modified", "Mon, 02 Feb 2026 10:00:00 GMT");
    let server = server(Site::new().route("/t", tagged).route("/plain", html("same"))).await;
    let fetcher = fetcher(options());
    for path in ["/t", "/plain"] {
        let mut request = Request::new(&server.url(path));
        let Ok(Outcome::Fetched(first)) = fetcher.page(&request).await else {
            panic!("a page")
        };
        request.known = first.validators.clone();
        let Ok(Outcome::NotModified { validators, .. }) = fetcher.page(&request).await else {
            panic!("{path} has not changed")
        };
        assert_eq!(validators, first.validators);
    }
    assert_eq!(server.visits()[1].header("if-none-match"), Some("\"a\""));
    server.publish("/t", html("<p>2</p>").header("ETag", "\"b\""));
    let known = Validators {
        etag: Some("\"a\"".to_owned()),
        ..Validators::default()
    };
    let request = Request {
        url: server.url("/t"),
        known,
    };
    assert!(matches!(fetcher.page(&request).await, Ok(Outcome::Fetched(_))));
}

#[tokio::test]
async fn answers_that_are_no_pages_have_codes_of_their_own() {
    let site = Site::new()
        .route("/500", Response::new(500, ""))
        .route("/403", Response::new(403, ""))
        .route("/guard", Response::new(403, "").header("Server", "ddos-guard"))
        .route("/304", Response::new(304, ""))
        .route("/418", Response::new(418, ""))
        .route("/nowhere", Response::new(302, ""))
        .route("/br", html("x").header("Content-Encoding", "br"))
        .route("/short", html("short").header("Content-Length", "500"));
    let server = server(site).await;
    for (path, code) in [
        ("/404", "MSK-FET-13"),
        ("/500", "MSK-FET-15"),
        ("/403", "MSK-FET-14"),
        ("/guard", "MSK-FET-17"),
        ("/304", "MSK-FET-29"),
        ("/418", "MSK-FET-16"),
        ("/nowhere", "MSK-FET-28"),
        ("/br", "MSK-FET-22"),
        ("/short", "MSK-FET-21"),
    ] {
        assert_eq!(refusal(options(), &server.url(path)).await.code(), code, "{path}");
    }
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_name_are_told_apart() {
    let server = server(Site::new()).await;
    let url = server.url("/");
    server.stop().await;
    let problem = refusal(options(), &url).await;
    assert_eq!(problem.code(), "MSK-FET-05", "{problem}");
    let problem = refusal(options(), "http://no-such-school.invalid/").await;
    assert_eq!(problem.code(), "MSK-FET-04", "{problem}");
}

#[tokio::test]
async fn a_feed_streams_into_a_sink_that_is_given_back_whole() {
    let body = "<запись/>".repeat(50_000);
    let site = Site::new()
        .route("/feed", Response::page("application/xml", body.clone()))
        .route("/cut", html("short").header("Content-Length", "500"));
    let server = server(site).await;
    let mut feed = HttpOptions::feed("mailto:msoko@uo.example");
    feed.allow_private = vec!["127.0.0.1".to_owned()];
    feed.apart = Duration::ZERO;
    let fetcher = fetcher(feed);
    let mut request = Request::new(&server.url("/feed"));
    let Ok(Outcome::Fetched(fetched)) = fetcher.stream(&request, Vec::new()).await else {
        panic!("a feed")
    };
    assert_eq!(fetched.body, body.as_bytes());
    request.known = fetched.validators.clone();
    assert!(matches!(
        fetcher.stream(&request, io::sink()).await,
        Ok(Outcome::NotModified { .. })
    ));
    let cut = fetcher.stream(&Request::new(&server.url("/cut")), io::sink()).await;
    assert_eq!(cut.expect_err("cut short").code(), "MSK-FET-21");
}

#[tokio::test]
async fn the_authorization_stays_with_the_host_it_was_given_for() {
    let other = server(Site::new().route("/", html("x"))).await;
    let away = other.url("/").replace("127.0.0.1", "localhost");
    let server = server(Site::new().route("/", Response::redirect(&away))).await;
    let options = HttpOptions {
        allow_private: vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
        authorization: Some("Bearer invented".to_owned().into()),
        ..options()
    };
    assert!(!format!("{options:?}").contains("invented"));
    assert!(page(options, &server.url("/")).await.is_ok());
    assert_eq!(server.visits()[0].header("authorization"), Some("Bearer invented"));
    assert_eq!(other.visits()[0].header("authorization"), None);
}
