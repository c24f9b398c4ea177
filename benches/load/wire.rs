//! A minimal HTTP client, so that the server dominates the measurement: the request is built once, and only the status and
//! length of the response are parsed.

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A POST request that is sent repeatedly.
#[derive(Clone)]
pub struct Post {
    pub port: u16,
    pub bytes: Vec<u8>,
}

impl Post {
    pub fn new(port: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().fold(String::new(), |lines, (name, value)| {
            lines + name + ": " + value + "\r\n"
        });
        let length = body.len();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n{headers}content-length: \
             {length}\r\n\r\n"
        );
        Self {
            port,
            bytes: (head + body).into_bytes(),
        }
    }
}

/// A connection and its last response.
pub struct Wire {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Wire {
    pub async fn connect(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            answer: Vec::with_capacity(64 * 1024),
        })
    }

    /// Sends the request, waits for the complete response and returns its body.
    pub async fn send(&mut self, post: &Post) -> anyhow::Result<&[u8]> {
        self.stream.write_all(&post.bytes).await?;
        self.answer.clear();
        let body = loop {
            ensure!(
                self.stream.read_buf(&mut self.answer).await? > 0,
                "the connection was closed"
            );
            if let Some(end) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = std::str::from_utf8(self.answer.get(..body).unwrap_or_default())?.to_ascii_lowercase();
        if !head.starts_with("http/1.1 200 ") {
            bail!("{}", String::from_utf8_lossy(&self.answer));
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .context("no length")?;
        let end = body + length.trim().parse::<usize>()?;
        self.answer.reserve(end.saturating_sub(self.answer.len()));
        while self.answer.len() < end {
            ensure!(
                self.stream.read_buf(&mut self.answer).await? > 0,
                "the connection was closed"
            );
        }
        Ok(self.answer.get(body..end).unwrap_or_default())
    }
}
