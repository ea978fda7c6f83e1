//! Calls over HTTP to systems outside of the suite.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};

/// How long a connection may take to be made, TLS and all, over a line of an office far from the city.
const CONNECT: Duration = Duration::from_secs(10);

/// A client that takes `timeout` at most for a call, and never follows an answer elsewhere: what goes along, such as a token,
/// is for the system that was configured.
pub fn client(timeout: Duration) -> ClientBuilder {
    Client::builder().redirect(Policy::none()).connect_timeout(CONNECT.min(timeout)).timeout(timeout)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_answer_leads_nowhere_and_silence_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let mut calls = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                if calls.is_empty() {
                    assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
                    let elsewhere = "HTTP/1.1 302 Found\r\nlocation: /lain\r\ncontent-length: 0\r\n\
                                     connection: close\r\n\r\n";
                    stream.write_all(elsewhere.as_bytes()).await.unwrap();
                }
                calls.push(stream);
            }
        });
        let _already = rustls::crypto::ring::default_provider().install_default();
        let client = client(Duration::from_millis(500)).no_proxy().build().unwrap();
        assert_eq!(client.get(&address).send().await.unwrap().status(), 302);
        assert!(client.get(&address).send().await.unwrap_err().is_timeout());
        server.abort();
    }
}
