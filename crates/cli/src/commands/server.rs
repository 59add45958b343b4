//! The ingest router behind a plain HTTP server, for one machine.

use std::sync::Arc;
use std::time::Duration;

use bluetick_ingest::app::respond;
use bluetick_ingest::firehose::FirehoseClient;
use bluetick_ingest::router::{MAX_BODY_BYTES, Request, Router, too_large};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Longest time that a sender may take for its headers, and again for its body.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of bodies that are in memory at the same time. Above it a sender is told to come again.
const BODIES_IN_MEMORY: usize = 256 * 1024 * 1024;
/// Bodies that are being handled at the same time; more wait for their turn.
const REQUESTS_AT_ONCE: usize = 256;

/// Why a body was not read.
enum BodyError {
    TooLarge,
    TooSlow,
    NoMemory,
    Broken,
}

/// A server of the ingest router.
pub(crate) struct Server<C> {
    router: Router<C>,
    memory: Semaphore,
    turns: Semaphore,
}

impl<C: FirehoseClient + Send + Sync + 'static> Server<C> {
    pub(crate) fn new(router: Router<C>) -> Self {
        let (memory, turns) = (Semaphore::new(BODIES_IN_MEMORY), Semaphore::new(REQUESTS_AT_ONCE));
        Self { router, memory, turns }
    }

    /// Serves until `stop` is ready; then takes no more connections and ends those that it has.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, stop: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        let (closing, closed) = tokio::sync::watch::channel(false);
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(Arc::clone(&self).connection(stream, closed.clone()));
                    }
                    // Out of file descriptors, for instance: others will be given back.
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
        drop(listener);
        // Without receivers there is no connection left to tell.
        let _ = closing.send(true);
        while connections.join_next().await.is_some() {}
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, mut closed: tokio::sync::watch::Receiver<bool>) {
        let server = Arc::clone(&self);
        let service = service_fn(move |request| {
            let server = Arc::clone(&server);
            async move { server.request(request).await }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            _ = closed.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a connection broke");
        }
    }

    async fn request(&self, request: http::Request<Incoming>) -> Result<http::Response<String>, http::Error> {
        let (head, body) = request.into_parts();
        let mut held = Vec::new();
        let read = tokio::time::timeout(PATIENCE, self.read(body, &mut held)).await.unwrap_or(Err(BodyError::TooSlow));
        let body = match read {
            Ok(body) => body,
            Err(BodyError::TooLarge) => return respond(too_large()),
            Err(error) => {
                let status = match error {
                    BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
                    BodyError::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
                    BodyError::TooLarge | BodyError::Broken => StatusCode::BAD_REQUEST,
                };
                return http::Response::builder().status(status).header("connection", "close").body(String::new());
            }
        };
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await.ok();
        let (answer, _) = self
            .router
            .handle(Request {
                method: &head.method,
                path: head.uri.path(),
                query: head.uri.query().unwrap_or_default(),
                headers: &head.headers,
                body: &body,
            })
            .await;
        respond(answer)
    }

    /// Reads a body within the limits. What it takes of the memory is given back when `held` is dropped.
    async fn read<'a>(
        &'a self,
        mut body: Incoming,
        held: &mut Vec<tokio::sync::SemaphorePermit<'a>>,
    ) -> Result<Vec<u8>, BodyError> {
        if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
            return Err(BodyError::TooLarge);
        }
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(piece) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
            if bytes.len() + piece.len() > MAX_BODY_BYTES {
                return Err(BodyError::TooLarge);
            }
            let length = u32::try_from(piece.len()).map_err(|_| BodyError::TooLarge)?;
            held.push(self.memory.try_acquire_many(length).map_err(|_| BodyError::NoMemory)?);
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}
