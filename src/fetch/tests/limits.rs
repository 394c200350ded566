//! Caps, times and addresses.

use super::*;

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
