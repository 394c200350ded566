//! Pace, patience and robots.txt.

use super::*;

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
