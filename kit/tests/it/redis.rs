use std::time::{Duration, Instant};

use ::redis::{AsyncTypedCommands as _, Script};
use futures::StreamExt as _;
use mpp_kit::redis::{ConnectError, PrivateServer, Redis, ServerError};
use mpp_kit::testing;

fn lives(pid: u32) -> bool {
    // A child that ended but was not waited for is a zombie.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_server_keeps_what_it_acknowledged_over_a_restart() {
    let dir = testing::temp_dir();
    let server = PrivateServer::start(dir.path()).await.unwrap();
    let redis = Redis::connect(server.url()).await.unwrap();
    redis.connection().set("key", "value").await.unwrap();
    let setting = async |name: &str| {
        let found: Vec<String> =
            ::redis::cmd("CONFIG").arg("GET").arg(name).query_async(&mut redis.connection()).await.unwrap();
        found[1].clone()
    };
    assert_eq!(setting("appendonly").await, "yes");
    assert_eq!(setting("appendfsync").await, "everysec");
    assert_eq!(setting("maxmemory-policy").await, "noeviction");
    assert_eq!(setting("save").await, "");
    assert_eq!(setting("port").await, "0");
    let pid = server.pid();
    assert!(lives(pid));
    server.stop();
    assert!(!lives(pid), "stop waits for the end");
    let server = PrivateServer::start(dir.path()).await.unwrap();
    let redis = Redis::connect(server.url()).await.unwrap();
    assert_eq!(redis.connection().get("key").await.unwrap().as_deref(), Some("value"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_kept_out_of_the_directory() {
    let dir = testing::temp_dir();
    let first = PrivateServer::start(dir.path()).await.unwrap();
    assert!(matches!(PrivateServer::start(dir.path()).await, Err(ServerError::InUse(_))));
    assert!(lives(first.pid()));
    let pid = first.pid();
    first.kill();
    assert!(!lives(pid));
    PrivateServer::start(dir.path()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_left_over_is_ended_first() {
    let dir = testing::temp_dir();
    let dir = dir.path().canonicalize().unwrap();
    let mut orphan = std::process::Command::new("redis-server")
        .args(["--port", "0", "--unixsocket"])
        .arg(dir.join("redis.sock"))
        .arg("--pidfile")
        .arg(dir.join("redis.pid"))
        .arg("--dir")
        .arg(&dir)
        .current_dir(&dir)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while !dir.join("redis.sock").exists() || !dir.join("redis.pid").exists() {
        assert!(Instant::now() < until, "the orphan did not start");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // As init does for orphans: else it stays a zombie, which has no directory and is not mistaken for a server.
    let reaper = std::thread::spawn(move || orphan.wait());
    let server = PrivateServer::start(&dir).await.unwrap();
    assert!(reaper.join().unwrap().is_ok());
    Redis::connect(server.url()).await.unwrap().ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_with_a_long_path_gets_a_short_socket() {
    let dir = testing::temp_dir();
    let long = dir.path().join("d".repeat(60)).join("e".repeat(60)).join("with space");
    let server = PrivateServer::start(&long).await.unwrap();
    assert!(!server.url().contains("eeee"), "{}", server.url());
    Redis::connect(server.url()).await.unwrap().ping().await.unwrap();
    let socket = server.url().strip_prefix("redis+unix://").unwrap().to_owned();
    server.stop();
    assert!(!std::path::Path::new(&socket).parent().unwrap().exists(), "the short directory is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_may_have_any_name() {
    let dir = testing::temp_dir();
    let dir = dir.path().join("a b%20?#ü");
    let server = PrivateServer::start(&dir).await.unwrap();
    Redis::connect(server.url()).await.unwrap().ping().await.unwrap();
    assert!(dir.join("redis.sock").exists());
    let url = mpp_kit::db::sqlite_url(&dir.join("test.db"));
    mpp_kit::db::Db::connect(&url, None).await.unwrap();
    assert!(dir.join("test.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_run_and_a_broken_connection_is_made_again() {
    let test = testing::redis().await;
    let script = Script::new("return redis.call('INCR', KEYS[1])");
    let redis = test.redis.clone();
    for expected in 1..=2_i64 {
        assert_eq!(script.key("n").invoke_async::<i64>(&mut redis.connection()).await.unwrap(), expected);
    }
    let mut blocking = redis.dedicated().await.unwrap();
    let since = Instant::now();
    let nothing: Option<(String, String)> =
        ::redis::cmd("BLPOP").arg("none").arg(0.8).query_async(&mut blocking).await.unwrap();
    assert!(nothing.is_none() && since.elapsed() > Duration::from_millis(700), "no response timeout");
    let mut subscriber = redis.subscriber().await.unwrap();
    subscriber.subscribe("news").await.unwrap();
    redis.connection().publish("news", "hello").await.unwrap();
    assert_eq!(subscriber.on_message().next().await.unwrap().get_payload::<String>().unwrap(), "hello");
    let test = test.crash().await;
    let deadline = Instant::now() + Duration::from_secs(5);
    while redis.ping().await.is_err() {
        assert!(Instant::now() < deadline, "the old connection never came back");
    }
    assert_eq!(test.redis.url(), redis.url());
}

#[tokio::test]
async fn a_wrong_url_is_explained_without_its_password() {
    assert!(matches!(Redis::connect("http://x").await, Err(ConnectError::Url(_))));
    let closed = Redis::connect("redis://mpp:hush@127.0.0.1:1").await.unwrap_err().to_string();
    assert!(
        closed.starts_with("cannot connect to Redis at redis://127.0.0.1:1") && !closed.contains("hush"),
        "{closed}"
    );
}
