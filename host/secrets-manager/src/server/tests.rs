//! The server as a whole, with a rotation function in this process.

use std::pin::Pin;
use std::sync::Mutex;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Semaphore, oneshot};

use super::*;
use crate::{CreateSecret, PutSecretValue, ROTATION_INCOMPLETE, StoredValue};

const TOKEN: &str = "22222222-2222-2222-2222-222222222222";

/// A busy machine needs a second or two for anything here.
const LIMIT: Duration = Duration::from_secs(30);

/// What the function does with a step.
#[derive(Clone, Copy)]
enum Behaviour {
    Succeed,
    Hang,
    Panic,
    /// Makes the version current in finishSecret, and only then waits to be let on.
    Rotate,
    /// Waits to be let on, and fails.
    Fail,
}

struct Function {
    behaviour: Behaviour,
    steps: Mutex<Vec<String>>,
    store: EmbeddedStore,
    /// A permit for each step that waits.
    let_on: Semaphore,
}

impl Function {
    async fn wait(&self) {
        self.let_on.acquire().await.unwrap().forget();
    }

    fn finish(&self, event: &Value) {
        let text = |key: &str| event[key].as_str().unwrap().to_owned();
        let (secret_id, token) = (text("SecretId"), text("ClientRequestToken"));
        let put = PutSecretValue {
            secret_id,
            token: Some(token),
            value: StoredValue::text("new"),
            // As an ordinary PutSecretValue does: it becomes current.
            stages: None,
            rotation_token: None,
        };
        self.store.put_secret_value(put).unwrap();
    }
}

impl StepInvoker for Function {
    fn invoke<'a>(
        &'a self,
        event: Value,
    ) -> Pin<Box<dyn Future<Output = Result<(), InvokeError>> + Send + 'a>> {
        let step = event["Step"].as_str().unwrap().to_owned();
        self.steps.lock().unwrap().push(step.clone());
        Box::pin(async move {
            match self.behaviour {
                Behaviour::Succeed => {}
                Behaviour::Hang => std::future::pending().await,
                Behaviour::Panic => panic!("as told"),
                Behaviour::Rotate if step == "finishSecret" => {
                    self.finish(&event);
                    self.wait().await;
                }
                Behaviour::Rotate => {}
                Behaviour::Fail => {
                    self.wait().await;
                    return Err(InvokeError::new("Refused", "no"));
                }
            }
            Ok(())
        })
    }
}

/// Blanks out whole values, which is as much as these tests need.
struct Blank;

impl Redact for Blank {
    fn redact(&self, values: &[Arc<StoredValue>], text: &str) -> String {
        let texts = values.iter().filter_map(|value| value.as_text());
        texts.fold(text.to_owned(), |text, value| text.replace(value, "[redacted]"))
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
    world_with(Some(behaviour)).await
}

/// `None`: nobody runs steps here.
async fn world_with(behaviour: Option<Behaviour>) -> World {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let store = EmbeddedStore::in_memory();
    store.create_secret(CreateSecret::with_text("s", "old")).unwrap();
    let function = Arc::new(Function {
        behaviour: behaviour.unwrap_or(Behaviour::Succeed),
        steps: Mutex::default(),
        store: store.clone(),
        let_on: Semaphore::new(0),
    });
    let settings = Settings {
        invoker: behaviour.map(|_| Arc::clone(&function) as Arc<dyn StepInvoker>),
        retries: Retries { count: 1, pause: Duration::from_millis(1) },
        ..Settings::new(Arc::new(Blank), None)
    };
    let (end, ended) = oneshot::channel();
    let server = tokio::spawn(async move { serve(listener, &store, settings, ended).await });
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
        self.outcome_of(0).await
    }

    /// The same of a later one, which may not have begun.
    async fn outcome_of(&self, number: usize) -> Value {
        let over = async {
            loop {
                let run = self.get("/windlass/rotations").await["rotations"][number].clone();
                if !run.is_null() && run["state"] != "running" {
                    return run;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LIMIT, over).await.expect("the rotation is never over")
    }

    /// Waits until the function was asked for so many steps.
    async fn steps(&self, count: usize) {
        let asked = async {
            while self.function.steps.lock().unwrap().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LIMIT, asked).await.expect("the function is never asked");
    }
}

/// Another token than [`TOKEN`].
fn another() -> String {
    TOKEN.replace('2', "3")
}

#[tokio::test]
async fn a_rotation_that_is_accepted_while_another_one_ends_has_the_next_turn() {
    let world = world(Behaviour::Rotate).await;
    world.rotate().await;
    // AWSCURRENT has moved, and the last step has not returned.
    world.steps(4).await;
    let (status, answer) = world.begin(&another()).await;
    assert_eq!((status, &answer["VersionId"]), (200, &Value::from(another())), "{answer}");
    world.function.let_on.add_permits(2);
    for (number, version) in [TOKEN, &another()].into_iter().enumerate() {
        let run = world.outcome_of(number).await;
        assert_eq!(
            (&run["version"], &run["state"]),
            (&version.into(), &"succeeded".into()),
            "{run}"
        );
    }
}

#[tokio::test]
async fn a_refusal_that_promises_another_attempt_is_kept_also_at_the_last_one() {
    let world = world(Behaviour::Fail).await;
    world.rotate().await;
    world.function.let_on.add_permits(1);
    // The second of two attempts is under way.
    world.steps(2).await;
    let (status, answer) = world.begin(&another()).await;
    assert_eq!((status, &answer["Message"]), (400, &ROTATION_INCOMPLETE.into()), "{answer}");
    world.function.let_on.add_permits(3);
    for number in 0..2 {
        let run = world.outcome_of(number).await;
        assert_eq!((&run["version"], &run["state"]), (&TOKEN.into(), &"failed".into()), "{run}");
    }
    assert_eq!(world.function.steps.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn where_nobody_runs_steps_a_refusal_promises_nothing_and_says_what_to_do() {
    let world = world_with(None).await;
    let target = "X-Amz-Target: secretsmanager.RotateSecret\r\n";
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:any";
    let body = serde_json::json!({
        "SecretId": "s", "ClientRequestToken": TOKEN, "RotationLambdaARN": arn,
    });
    let (status, answer) = world.send("POST /", target, &body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = world.begin(&another()).await;
    let message = answer["Message"].as_str().unwrap();
    assert_eq!(status, 400, "{answer}");
    assert!(message.starts_with("A previous rotation isn't complete. Nothing here"), "{message}");
    assert!(!message.contains("reattempt"), "{message}");
    assert!(
        message.contains(&format!("run its steps with ClientRequestToken {TOKEN}")),
        "{message}"
    );

    // The other remedy, to the letter.
    let (_, remedy) = message.split_once("call UpdateSecretVersionStage with ").unwrap();
    assert_eq!(remedy, format!("VersionStage AWSPENDING and RemoveFromVersionId {TOKEN}."));
    let body = serde_json::json!({
        "SecretId": "s", "VersionStage": "AWSPENDING", "RemoveFromVersionId": TOKEN,
    });
    let target = "X-Amz-Target: secretsmanager.UpdateSecretVersionStage\r\n";
    let (status, answer) = world.send("POST /", target, &body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = world.begin(&another()).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn other_addresses_than_loopback_are_refused() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let store = EmbeddedStore::in_memory();
    let settings = Settings::new(Arc::new(Blank), None);
    let error = serve(listener, &store, settings, std::future::pending::<()>()).await.unwrap_err();
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
