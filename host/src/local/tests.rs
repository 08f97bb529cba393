//! The server as a whole, with a rotation function in this process.

use std::pin::Pin;
use std::sync::Mutex;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;

use super::*;
use crate::secret::Secret;
use crate::store::embedded::CreateSecret;

const TOKEN: &str = "22222222-2222-2222-2222-222222222222";

/// What the function does with a step.
#[derive(Clone, Copy)]
enum Behaviour {
    Succeed,
    Hang,
    Panic,
}

struct Function {
    behaviour: Behaviour,
    steps: Mutex<Vec<String>>,
}

impl StepInvoker for Function {
    fn invoke<'a>(
        &'a self,
        event: Value,
    ) -> Pin<Box<dyn Future<Output = Result<(), InvokeError>> + Send + 'a>> {
        self.steps.lock().unwrap().push(event["Step"].as_str().unwrap().to_owned());
        Box::pin(async move {
            match self.behaviour {
                Behaviour::Succeed => Ok(()),
                Behaviour::Hang => std::future::pending().await,
                Behaviour::Panic => panic!("as told"),
            }
        })
    }
}

/// A server with one secret `s`, and what is needed to end it.
struct World {
    address: std::net::SocketAddr,
    function: Arc<Function>,
    end: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<io::Result<()>>,
}

async fn world(behaviour: Behaviour) -> World {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let store = EmbeddedStore::in_memory();
    store.create_secret(CreateSecret::with_text("s", Secret::new("old".to_owned()))).unwrap();
    let function = Arc::new(Function { behaviour, steps: Mutex::default() });
    let settings = Settings {
        invoker: Some(Arc::clone(&function) as Arc<dyn StepInvoker>),
        retries: Retries { count: 1, pause: Duration::from_millis(1) },
        ..Settings::default()
    };
    let (end, ended) = oneshot::channel();
    let server = tokio::spawn(async move { serve_with(listener, &store, settings, ended).await });
    World { address, function, end, server }
}

impl World {
    async fn send(&self, line: &str, header: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        (status, serde_json::from_str(body).unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.send(&format!("GET {path}"), "", "").await;
        assert_eq!(status, 200, "{path}");
        answer
    }

    async fn begin(&self, token: &str) -> (u16, Value) {
        let target = "X-Amz-Target: secretsmanager.RotateSecret\r\n";
        let body = serde_json::json!({ "SecretId": "s", "ClientRequestToken": token });
        self.send("POST /", target, &body.to_string()).await
    }

    async fn rotate(&self) {
        let (status, answer) = self.begin(TOKEN).await;
        assert_eq!((status, &answer["VersionId"]), (200, &Value::from(TOKEN)), "{answer}");
    }

    /// The one rotation's record, once it is in another state than `running`.
    async fn outcome(&self) -> Value {
        loop {
            let run = self.get("/windlass/rotations").await["rotations"][0].clone();
            if run["state"] != "running" {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn other_addresses_than_loopback_are_refused() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let store = Arc::new(EmbeddedStore::in_memory());
    let error = serve(listener, store, None, std::future::pending::<()>()).await.unwrap_err();
    assert!(error.to_string().contains("loopback"), "{error}");
}

#[tokio::test]
async fn a_function_that_moves_nothing_has_not_rotated() {
    let world = world(Behaviour::Succeed).await;
    world.rotate().await;
    let run = world.outcome().await;
    assert_eq!(run["state"], "failed");
    let reason = run["reason"].as_str().unwrap();
    assert!(reason.starts_with("finishSecret succeeded, but AWSCURRENT is not on"), "{reason}");
    let all = ["createSecret", "setSecret", "testSecret", "finishSecret"];
    assert_eq!(*world.function.steps.lock().unwrap(), [all, all].concat());
}

#[tokio::test]
async fn a_function_that_panics_stops_its_rotation_only() {
    let world = world(Behaviour::Panic).await;
    world.rotate().await;
    assert_eq!(world.outcome().await["state"], "interrupted");
    world.get("/windlass/health").await;
}

#[tokio::test]
async fn while_a_rotation_runs_its_request_may_be_repeated_and_nothing_begins_anew() {
    let world = world(Behaviour::Hang).await;
    world.rotate().await;
    world.rotate().await;
    let (status, answer) = world.begin(&TOKEN.replace('2', "3")).await;
    assert_eq!((status, &answer["__type"]), (400, &Value::from("InvalidRequestException")));
    let report = world.get("/windlass/rotations").await;
    assert_eq!(report["rotations"].as_array().unwrap().len(), 1);
    let calls = world.get("/windlass/calls").await;
    assert_eq!(calls["counts"]["RotateSecret"], 3);
    assert_eq!(calls["log"][2]["outcome"], "InvalidRequestException");
}

#[tokio::test]
async fn the_server_ends_although_a_rotation_hangs_and_a_connection_idles() {
    let world = world(Behaviour::Hang).await;
    world.rotate().await;
    let _idle = TcpStream::connect(world.address).await.unwrap();
    world.end.send(()).unwrap();
    world.server.await.unwrap().unwrap();
}
