//! Fetching against a server on loopback.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Fetched, Fetcher, HttpOptions, Outcome, Request, Robots, Traffic, Trust, Validators, retry_after};
use crate::loopback::{Certificate, Response, Server, Site};
use crate::message::Problem;

fn options() -> HttpOptions {
    HttpOptions {
        allow_private: vec!["127.0.0.1".to_owned()],
        apart: Duration::ZERO,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_secs(1),
        retries: 0,
        robots: Robots::Ignore,
        ..HttpOptions::pages("mailto:msoko@uo.example")
    }
}

fn fetcher(options: HttpOptions) -> Fetcher {
    Fetcher::new(options, Traffic::default()).expect("valid settings")
}

async fn server(site: Site) -> Server {
    Server::start(site).await.expect("loopback")
}

async fn page(options: HttpOptions, url: &str) -> Result<Fetched<Vec<u8>>, Problem> {
    match fetcher(options).page(&Request::new(url)).await? {
        Outcome::Fetched(fetched) => Ok(*fetched),
        Outcome::NotModified(_) => panic!("nothing was known"),
    }
}

async fn refusal(options: HttpOptions, url: &str) -> Problem {
    page(options, url).await.expect_err("a refusal")
}

fn html(body: &str) -> Response {
    Response::page("text/html; charset=utf-8", body)
}

fn packed(bytes: &[u8]) -> Response {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    Response::page("text/html", encoder.finish().expect("memory")).header("Content-Encoding", "gzip")
}

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
        let Ok(Outcome::NotModified(known)) = fetcher.page(&request).await else {
            panic!("{path} has not changed")
        };
        assert_eq!(known, first.validators);
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
async fn a_busy_server_is_asked_again_and_one_that_names_a_long_wait_is_left_alone() {
    let busy = || Response::new(503, "").header("Retry-After", "0");
    let site = Site::new()
        .sequence("/busy", vec![busy(), Response::new(500, ""), html("at last")])
        .route("/later", Response::new(503, "").header("Retry-After", "3600"));
    let server = server(site).await;
    let patient = || HttpOptions {
        retries: 2,
        ..options()
    };
    assert_eq!(
        page(patient(), &server.url("/busy")).await.expect("a page").body,
        b"at last"
    );
    assert_eq!(server.visits().len(), 3);
    let problem = refusal(patient(), &server.url("/later")).await;
    assert_eq!(retry_after(&problem), Some(Duration::from_secs(3600)));
    assert_eq!(
        server.visits().len(),
        4,
        "no second visit before the time the server named"
    );
}

#[tokio::test]
async fn redirects_are_followed_counted_and_never_into_the_inner_network() {
    let mut site = Site::new()
        .route("/a", Response::redirect("/b#top"))
        .route("/b", html("here"))
        .route("/loop", Response::redirect("/pool"))
        .route("/pool", Response::redirect("/loop"))
        .route("/file", Response::redirect("file:///etc/passwd"));
    for step in 0..9 {
        site = site.route(&format!("/{step}"), Response::redirect(&format!("/{}", step + 1)));
    }
    let inward = [
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://0x7f.2/",
        "http://localhost:1/",
    ];
    for (number, address) in inward.iter().enumerate() {
        site = site.route(&format!("/in{number}"), Response::redirect(address));
    }
    let server = server(site).await;
    let fetched = page(options(), &server.url("/a")).await.expect("a page");
    assert_eq!(fetched.final_url, server.url("/b"));
    assert_eq!(refusal(options(), &server.url("/loop")).await.code(), "MSK-FET-18");
    assert_eq!(refusal(options(), &server.url("/0")).await.code(), "MSK-FET-18");
    assert_eq!(refusal(options(), &server.url("/file")).await.code(), "MSK-FET-01");
    for (number, address) in inward.iter().enumerate() {
        let problem = refusal(options(), &server.url(&format!("/in{number}"))).await;
        assert_eq!(problem.code(), "MSK-FET-03", "{address}");
    }
}

#[tokio::test]
async fn private_addresses_are_called_only_by_a_source_that_names_them() {
    let server = server(Site::new().route("/", html("x"))).await;
    let stranger = HttpOptions {
        allow_private: Vec::new(),
        ..options()
    };
    assert_eq!(refusal(stranger.clone(), &server.url("/")).await.code(), "MSK-FET-03");
    let by_name = server.url("/").replace("127.0.0.1", "localhost");
    let problem = refusal(stranger, &by_name).await;
    assert_eq!(problem.code(), "MSK-FET-03");
    assert!(server.visits().is_empty());
    let named = HttpOptions {
        allow_private: vec!["localhost".to_owned()],
        ..options()
    };
    assert_eq!(page(named, &by_name).await.expect("a page").body, b"x");
}

#[tokio::test]
async fn bodies_are_cut_at_their_caps() {
    let site = Site::new()
        .route("/endless", Response::endless())
        .route("/bomb", packed(&vec![0; 8 << 20]))
        .route("/fine", packed(&b"table ".repeat(1000)));
    let server = server(site).await;
    let capped = || HttpOptions {
        max_bytes: 64 << 10,
        ..options()
    };
    let problem = refusal(capped(), &server.url("/endless")).await;
    assert_eq!(problem.code(), "MSK-FET-19");
    assert!(problem.ru().contains("больше 64 KiB"), "{}", problem.ru());
    assert_eq!(refusal(capped(), &server.url("/bomb")).await.code(), "MSK-FET-20");
    let fetched = page(capped(), &server.url("/fine")).await.expect("a page");
    assert_eq!((fetched.size, fetched.body.len()), (6000, 6000));
}

#[tokio::test]
async fn silence_is_bounded_before_and_in_the_middle_of_an_answer() {
    let site = Site::new()
        .route("/late", html("x").after(Duration::from_secs(60)))
        .route("/stalls", Response::stalling("<p>"))
        .route("/endless", Response::endless());
    let server = server(site).await;
    let begin = Instant::now();
    let hasty = HttpOptions {
        idle: Duration::from_millis(80),
        ..options()
    };
    for path in ["/late", "/stalls"] {
        let problem = refusal(hasty.clone(), &server.url(path)).await;
        assert_eq!(problem.code(), "MSK-FET-06", "{path}: {problem}");
    }
    let hasty = HttpOptions {
        total: Some(Duration::from_millis(80)),
        ..options()
    };
    assert_eq!(refusal(hasty, &server.url("/stalls")).await.code(), "MSK-FET-07");
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_head_that_comes_letter_by_letter_is_not_waited_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let dripping = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a visitor");
        let _asked = stream.read(&mut [0; 1024]).await;
        for letter in "HTTP/1.1 200 OK\r\nX-Long: ".bytes().chain(std::iter::repeat(b'x')) {
            if stream.write_all(&[letter]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let hasty = HttpOptions {
        idle: Duration::from_millis(200),
        total: None,
        ..options()
    };
    let refused = tokio::time::timeout(Duration::from_secs(5), refusal(hasty, &url)).await;
    assert_eq!(refused.expect("bounded").code(), "MSK-FET-06");
    dripping.abort();
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
async fn a_handshake_that_breaks_off_says_so() {
    let server = server(Site::new()).await;
    let url = server.url("/").replace("http://", "https://");
    let problem = refusal(options(), &url).await;
    assert!(problem.ru_line().contains("handshake"), "{problem}");
}

#[tokio::test]
#[ignore = "run by the test below on a machine made poorer"]
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
fn a_machine_without_authorities_fetches_plain_pages_and_names_the_package_it_lacks() {
    let child = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "fetch::tests::without_authorities_child", "--ignored"])
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .expect("a child");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn robots_txt_is_read_once_and_obeyed() {
    let rules = "User-agent: *\nDisallow: /closed\n";
    let site = Site::new()
        .route("/robots.txt", Response::page("text/plain", rules))
        .route("/closed", html("x"))
        .route("/open", html("x"));
    let server = server(site).await;
    let fetcher = fetcher(HttpOptions {
        robots: Robots::Obey,
        ..options()
    });
    let closed = fetcher.page(&Request::new(&server.url("/closed"))).await;
    assert_eq!(closed.expect_err("forbidden").code(), "MSK-FET-23");
    for _ in 0..2 {
        assert!(fetcher.page(&Request::new(&server.url("/open"))).await.is_ok());
    }
    let paths: Vec<String> = server.visits().into_iter().map(|visit| visit.path).collect();
    assert_eq!(paths, ["/robots.txt", "/open", "/open"]);
}

#[tokio::test]
async fn a_missing_broken_or_false_robots_txt_forbids_nothing() {
    for answer in [
        Response::new(404, ""),
        Response::new(500, ""),
        html("<html>User-agent: *\nDisallow: /</html>"),
        Response::endless(),
    ] {
        let server = server(Site::new().route("/robots.txt", answer).route("/", html("x"))).await;
        let obeying = HttpOptions {
            robots: Robots::Obey,
            ..options()
        };
        assert!(page(obeying, &server.url("/")).await.is_ok());
    }
}

#[tokio::test]
async fn tasks_share_a_fetcher_and_a_host_is_visited_by_one_at_a_time() {
    let apart = Duration::from_millis(30);
    let server = server(Site::new().route("/", html("x").after(Duration::from_millis(10)))).await;
    let fetcher = Arc::new(fetcher(HttpOptions { apart, ..options() }));
    let begin = Instant::now();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (fetcher, url) = (Arc::clone(&fetcher), server.url("/"));
            tokio::spawn(async move { fetcher.page(&Request::new(&url)).await.is_ok() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.expect("no panic"));
    }
    assert!(
        begin.elapsed() >= Duration::from_millis(4 * 10 + 3 * 30),
        "{:?}",
        begin.elapsed()
    );
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
        Ok(Outcome::NotModified(_))
    ));
    let cut = fetcher.stream(&Request::new(&server.url("/cut")), io::sink()).await;
    assert_eq!(cut.expect_err("cut short").code(), "MSK-FET-21");
}

#[tokio::test]
async fn a_sink_that_refuses_stops_an_endless_feed() {
    struct Small(usize);
    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let server = server(Site::new().route("/feed", Response::endless())).await;
    let fed = fetcher(options())
        .stream(&Request::new(&server.url("/feed")), Small(100_000))
        .await;
    assert_eq!(fed.err().as_ref().map(Problem::code), Some("MSK-FET-27"));
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
