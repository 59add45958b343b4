//! The ingest router as an HTTP server for a single machine.
//!
//! Path, method and credentials in headers are checked before a body is read. A client that neither sends nor reads
//! within [`Timeouts::client`] is disconnected.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bluetick_events::signature::HeaderCheck;
use bluetick_ingest::app::respond;
use bluetick_ingest::firehose::FirehoseClient;
use bluetick_ingest::router::{MAX_BODY_BYTES, Request, Router, too_large};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use crate::commands::body_budget::{BodyBudget, BudgetError, CompleteBody};
use crate::commands::report_page;

/// Memory limit for all request bodies, in bytes.
const BODY_BYTES: usize = 256 * 1024 * 1024;
/// Memory limit for incomplete bodies of unauthenticated senders, in bytes.
const UNAUTHENTICATED_BODY_BYTES: usize = BODY_BYTES / 2;
/// Maximum number of requests handled concurrently; further ones wait.
const CONCURRENT_REQUESTS: usize = 256;

/// How long the server waits for clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// Maximum time for the headers of a request, for its body, and for each write to a client that does not read.
    pub(crate) client: Duration,
    /// Maximum time from the stop request until the last connection is closed.
    pub(crate) shutdown: Duration,
}

/// Why a body was not received.
enum BodyError {
    TooLarge,
    TooSlow,
    NoMemory,
    Broken,
}

impl From<BudgetError> for BodyError {
    fn from(_: BudgetError) -> Self {
        BodyError::NoMemory
    }
}

impl BodyError {
    fn respond(&self) -> Result<http::Response<String>, http::Error> {
        let status = match self {
            BodyError::TooLarge => return respond(too_large()),
            BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyError::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
            BodyError::Broken => StatusCode::BAD_REQUEST,
        };
        let response = http::Response::builder().status(status).header("connection", "close");
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(("retry-after", "5"));
        retry_after
            .into_iter()
            .fold(response, |response, (name, value)| response.header(name, value))
            .body(String::new())
    }
}

/// Waits until `stopped` is true.
async fn stop_requested(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender was dropped, which also stops the server.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// An HTTP server of the ingest router.
pub(crate) struct Server<C> {
    router: Router<C>,
    reports: Option<PathBuf>,
    timeouts: Timeouts,
    bodies: BodyBudget,
    turns: Semaphore,
}

impl<C: FirehoseClient + Send + Sync + 'static> Server<C> {
    /// Creates a server of `router`. If `reports` is set, it also serves the newest report in that directory.
    pub(crate) fn new(router: Router<C>, reports: Option<PathBuf>, timeouts: Timeouts) -> Self {
        let bodies = BodyBudget::new(BODY_BYTES, UNAUTHENTICATED_BODY_BYTES);
        Self { router, reports, timeouts, bodies, turns: Semaphore::new(CONCURRENT_REQUESTS) }
    }

    /// Serves until `stopped` is true. Then it accepts no new connections, finishes the requests in progress, and
    /// closes remaining connections after [`Timeouts::shutdown`].
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let closing = stopped.clone();
        loop {
            tokio::select! {
                () = stop_requested(&mut stopped) => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(Arc::clone(&self).connection(stream, peer.ip(), closing.clone()));
                    }
                    // For instance, too many files are open: wait until connections are closed.
                    Err(error) => {
                        tracing::warn!(%error, "failed to accept a connection");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
        drop(listener);
        let finish = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.timeouts.shutdown, finish).await.is_err() {
            tracing::warn!(connections = connections.len(), "clients did not finish in time: connections closed");
            connections.shutdown().await;
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: IpAddr, mut stopped: watch::Receiver<bool>) {
        let server = Arc::clone(&self);
        let service = service_fn(move |request| {
            let server = Arc::clone(&server);
            async move { server.request(request, peer).await }
        });
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.timeouts.client));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.timeouts.client)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        let mut connection = std::pin::pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = stop_requested(&mut stopped) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a connection ended with an error");
        }
    }

    async fn request(
        &self,
        request: http::Request<Incoming>,
        peer: IpAddr,
    ) -> Result<http::Response<String>, http::Error> {
        let (head, body) = request.into_parts();
        // All other clients get the answer for an unknown path.
        if let Some(reports) = &self.reports
            && head.uri.path() == report_page::PATH
            && report_page::is_local(peer, &head.headers)
        {
            return report_page::answer(&head.method, reports).await;
        }
        if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
            return respond(too_large());
        }
        let check = match self.router.check_head(&head.method, head.uri.path(), &head.headers).await {
            Ok(check) => check,
            Err(answer) => return respond(answer),
        };
        let receive = self.receive(body, check == HeaderCheck::Authentic);
        let received = tokio::time::timeout(self.timeouts.client, receive).await;
        let body = match received.unwrap_or(Err(BodyError::TooSlow)) {
            Ok(body) => body,
            Err(error) => return error.respond(),
        };
        // An error would mean that the semaphore is closed, which never happens.
        let _turn = self.turns.acquire().await.ok();
        let (answer, _) = self
            .router
            .handle(Request {
                method: &head.method,
                path: head.uri.path(),
                query: head.uri.query().unwrap_or_default(),
                headers: &head.headers,
                body: body.bytes(),
            })
            .await;
        respond(answer)
    }

    /// Receives a body within the memory and time limits.
    async fn receive(&self, mut body: Incoming, is_authenticated: bool) -> Result<CompleteBody<'_>, BodyError> {
        let mut received = self.bodies.begin(is_authenticated);
        while let Some(frame) = body.frame().await {
            let Ok(bytes) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
            if received.len() + bytes.len() > MAX_BODY_BYTES {
                return Err(BodyError::TooLarge);
            }
            received.push(&bytes)?;
        }
        Ok(received.complete()?)
    }
}
