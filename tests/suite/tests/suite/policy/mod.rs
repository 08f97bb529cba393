//! `windlass policy`: an evaluator that is not ours decides, for every call that a rotation made, by what
//! the command prints.
//!
//! The calls are those that the embedded Secrets Manager and the stand-in of Amazon RDS have served. What
//! Lambda and Secrets Manager do in the function's name (logs, network interfaces, keys) is listed here.

mod check;
mod judge;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use windlass_harness::{Artifact, DbInstance, Rds};
use windlass_suite::{Managed, Options, World, windlass};

use judge::{ATTACHED, Request, decide};

/// The function that rotates in these tests, as the embedded Secrets Manager names it.
pub(crate) const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:windlass";

/// A document that the command prints.
async fn document(arguments: &[&str], kind: &str) -> Result<Value> {
    let mut all = vec!["policy", "--function-arn", FUNCTION, "--document", kind];
    all.extend(arguments);
    let ran = windlass(&all, &[]).await?;
    ensure!(ran.code == Some(0), "{}{}", ran.stdout, ran.stderr);
    ran.json()
}

/// The same for a secret of this world.
async fn of_secret(world: &World, secret: &str, kind: &str) -> Result<Value> {
    let plugins = Artifact::Plugins.path()?.display().to_string();
    let endpoint = world.secrets().endpoint();
    let arguments =
        ["--secret-id", secret, "--plugins", &plugins, "--endpoint-url", endpoint, "--vpc"];
    document(&arguments, kind).await
}

/// Every call of one rotation of a secret, as a request to be decided. `own` is the secret's ARN.
async fn rotated(world: &World, name: &str, own: &str) -> Result<Vec<Request>> {
    world.local().reset_calls().await?;
    world.rotate(name).await?;
    let log = world.local().calls().await?.without("RotateSecret");
    let calls: BTreeSet<_> = log.calls.into_iter().map(|call| (call.action, call.secret)).collect();
    ensure!(calls.len() > 4, "only {calls:?}");
    Ok(calls
        .into_iter()
        .map(|(action, secret)| {
            // AWS decides about ARNs, whatever a request names its secret by.
            let secret = secret.map(|id| if id == name { own.to_owned() } else { id });
            let resource = secret.unwrap_or_else(|| "*".to_owned());
            let is_own = resource == own;
            let request = Request::new(&format!("secretsmanager:{action}"), &resource);
            if is_own { request.with(ATTACHED, FUNCTION) } else { request }
        })
        .collect())
}

/// What Lambda does with the role before the function runs and after.
fn of_lambda() -> Vec<Request> {
    let group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/windlass";
    let mut all = vec![
        Request::new("logs:CreateLogGroup", group),
        Request::new("logs:CreateLogStream", &format!("{group}:log-stream:2026/11/27/a")),
        Request::new("logs:PutLogEvents", &format!("{group}:log-stream:2026/11/27/a")),
    ];
    for (action, resource) in [
        ("CreateNetworkInterface", "arn:aws:ec2:us-east-1:123456789012:subnet/subnet-1"),
        ("DescribeNetworkInterfaces", "*"),
        ("DescribeSubnets", "*"),
        ("DeleteNetworkInterface", "arn:aws:ec2:us-east-1:123456789012:network-interface/eni-1"),
    ] {
        all.push(Request::new(&format!("ec2:{action}"), resource));
    }
    all
}

/// All are allowed; and whichever statement is left out, one is not.
async fn every_statement_counts(policy: &Value, requests: &[Request]) -> Result<()> {
    let decisions = decide(policy, requests).await?;
    for (request, decision) in requests.iter().zip(&decisions) {
        ensure!(decision == "Allowed", "{decision}: {request:?} by {policy:#}");
    }
    let statements = policy["Statement"].as_array().context("no statements")?;
    for left_out in statements.iter().filter(|one| one["Effect"] == "Allow") {
        let rest: Vec<_> = statements.iter().filter(|one| *one != left_out).collect();
        let rest = json!({ "Version": "2012-10-17", "Statement": rest });
        let decisions = decide(&rest, requests).await?;
        let denied = decisions.iter().filter(|decision| *decision != "Allowed").count();
        ensure!(denied > 0, "{} is not needed for any call", left_out["Sid"]);
    }
    Ok(())
}

/// None is allowed.
async fn denied(policy: &Value, requests: &[Request]) -> Result<()> {
    let decisions = decide(policy, requests).await?;
    for (request, decision) in requests.iter().zip(&decisions) {
        ensure!(decision.ends_with("Denied"), "{decision}: {request:?}");
    }
    Ok(())
}

/// What no rotation may do with its secret, whatever else it may.
fn beyond(own: &str) -> Vec<Request> {
    let other = "arn:aws:secretsmanager:us-east-1:123456789012:secret:other-AbCdEf";
    let other_function = format!("{FUNCTION}2");
    let own = |action: &str| {
        Request::new(&format!("secretsmanager:{action}"), own).with(ATTACHED, FUNCTION)
    };
    let of_other = |action: &str| {
        Request::new(&format!("secretsmanager:{action}"), other).with(ATTACHED, &other_function)
    };
    vec![
        own("DeleteSecret"),
        own("PutResourcePolicy"),
        own("UpdateSecret"),
        own("RotateSecret"),
        own("TagResource"),
        of_other("GetSecretValue"),
        of_other("PutSecretValue"),
        Request::new("secretsmanager:GetSecretValue", other),
        Request::new("secretsmanager:ListSecrets", "*"),
        Request::new("ec2:CreateNetworkInterface", "*").with("lambda:SourceFunctionArn", FUNCTION),
        Request::new("lambda:InvokeFunction", FUNCTION),
        Request::new("iam:PassRole", "arn:aws:iam::123456789012:role/windlass"),
    ]
}

#[tokio::test]
async fn a_user_that_changes_its_own_password() -> Result<()> {
    if judge::missing() {
        return Ok(());
    }
    let world = World::with(Options::default()).await?;
    let login = world.database().account("policy_single", "").await?;
    let port = world.database().postgres().port();
    let own = world.create_secret("policy/single", &login.secret(port)).await?;
    let admin = world.create_admin_secret("policy/admin", port).await?;
    let mut requests = rotated(&world, "policy/single", &own).await?;
    requests.extend(of_lambda());
    let policy = of_secret(&world, "policy/single", "permissions").await?;
    every_statement_counts(&policy, &requests).await?;
    let mut more = beyond(&own);
    more.push(Request::new("secretsmanager:GetSecretValue", &admin));
    denied(&policy, &more).await?;
    // For secrets that are not named, the same calls.
    let of_all = document(&["--vpc"], "permissions").await?;
    every_statement_counts(&of_all, &requests).await?;
    denied(&of_all, &more).await
}

#[tokio::test]
async fn users_that_take_turns_under_an_administrator() -> Result<()> {
    if judge::missing() {
        return Ok(());
    }
    let world = World::with(Options::default()).await?;
    let login = world.database().account("policy_turns", "").await?;
    let port = world.database().postgres().port();
    let admin = world.create_admin_secret("policy/admin", port).await?;
    let mut value = login.secret(port);
    value["masterarn"] = Value::from(admin.as_str());
    let own = world.create_secret("policy/turns", &value).await?;
    let mut requests = rotated(&world, "policy/turns", &own).await?;
    ensure!(requests.iter().any(|one| one.is_about(&admin)), "{requests:?}");
    requests.extend(of_lambda());
    let policy = of_secret(&world, "policy/turns", "permissions").await?;
    every_statement_counts(&policy, &requests).await?;
    let mut more = beyond(&own);
    for action in ["PutSecretValue", "DescribeSecret", "UpdateSecretVersionStage"] {
        more.push(Request::new(&format!("secretsmanager:{action}"), &admin));
    }
    denied(&policy, &more).await
}

#[tokio::test]
async fn an_administrator_that_amazon_rds_manages() -> Result<()> {
    if judge::missing() {
        return Ok(());
    }
    let database = windlass_suite::Database::shared().await?;
    let port = database.postgres().port();
    let instance = DbInstance::new("app", "localhost", port);
    let managed = Managed {
        name: "rds!db-90a1b2c3".to_owned(),
        login: database.superuser(),
        tag: ("aws:rds:primaryDBInstanceArn".to_owned(), instance.arn()),
    };
    let rds = Rds::start(vec![instance.clone()]).await?;
    let options = Options { managed: Some(managed.clone()), ..Options::default() };
    let world = World::with(options.with("AWS_ENDPOINT_URL_RDS", rds.endpoint())).await?;
    let login = database.account("policy_managed", "").await?;
    let mut value = login.secret(port);
    value["masterarn"] = Value::from(managed.arn());
    let own = world.create_secret("policy/managed", &value).await?;
    let mut requests = rotated(&world, "policy/managed", &own).await?;
    for asked in rds.asked() {
        let (action, arn) = asked.split_once(' ').context("an action without its database")?;
        requests.push(Request::new(&format!("rds:{action}"), arn));
    }
    ensure!(requests.iter().any(|one| one.action().starts_with("rds:")), "{requests:?}");
    requests.extend(of_lambda());
    let policy = of_secret(&world, "policy/managed", "permissions").await?;
    every_statement_counts(&policy, &requests).await?;
    let mut more = beyond(&own);
    more.push(Request::new("rds:ModifyDBInstance", &instance.arn()));
    denied(&policy, &more).await
}

/// Secrets Manager uses a secret's key in the name of whoever calls.
#[tokio::test]
async fn a_key_is_used_by_way_of_secrets_manager_alone() -> Result<()> {
    if judge::missing() {
        return Ok(());
    }
    let key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let mut policy = document(&["--kms-key", key], "permissions").await?;
    let statements = policy["Statement"].as_array_mut().context("no statements")?;
    let of_key = statements.iter_mut().find(|one| one["Sid"] == "UseKeysOfSecrets");
    let of_key = of_key.context("no statement about keys")?;
    // The evaluator knows no contexts of encryption, so that it is looked for by hand.
    let like = &mut of_key["Condition"]["StringLike"];
    let like = like.as_object_mut().context("no pattern")?;
    let context = like.remove("kms:EncryptionContext:SecretARN").context("no context")?;
    ensure!(context == "arn:aws:secretsmanager:us-east-1:123456789012:secret:*", "{context}");

    let by_itself = |action: &str| Request::new(action, key);
    let used = |action: &str| {
        by_itself(action).with("kms:ViaService", "secretsmanager.us-east-1.amazonaws.com")
    };
    let decisions = decide(&policy, &[used("kms:Decrypt"), used("kms:GenerateDataKey")]).await?;
    ensure!(decisions.iter().all(|decision| decision == "Allowed"), "{decisions:?}");
    let via_other = by_itself("kms:Decrypt").with("kms:ViaService", "s3.us-east-1.amazonaws.com");
    denied(&policy, &[by_itself("kms:Decrypt"), via_other, used("kms:Encrypt")]).await
}

/// Who invokes, who assumes, who configures and who triggers.
#[tokio::test]
async fn the_other_documents_allow_what_they_are_for() -> Result<()> {
    if judge::missing() {
        return Ok(());
    }
    let invokes = |account: &str| {
        Request::new("lambda:InvokeFunction", FUNCTION)
            .by("secretsmanager.amazonaws.com")
            .with("aws:SourceAccount", account)
    };
    let function = document(&[], "function").await?;
    let asked = [invokes("123456789012"), invokes("999999999999")];
    let decisions = judge::of_resource(&function, &asked).await?;
    ensure!(decisions == ["Allowed", "ImplicitlyDenied"], "{decisions:?}");

    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app-AbCdEf";
    let rotate = || Request::new("secretsmanager:RotateSecret", secret);
    let now =
        || rotate().with(ATTACHED, FUNCTION).with("secretsmanager:ModifyRotationRules", "false");
    let attach = |to: &str| {
        rotate()
            .with("secretsmanager:RotationLambdaARN", to)
            .with("secretsmanager:ModifyRotationRules", "true")
    };
    let other = format!("{FUNCTION}2");
    let reschedule =
        rotate().with(ATTACHED, FUNCTION).with("secretsmanager:ModifyRotationRules", "true");
    let invoke = Request::new("lambda:InvokeFunction", FUNCTION);
    let read = Request::new("secretsmanager:GetSecretValue", secret).with(ATTACHED, FUNCTION);

    let trigger = document(&[], "trigger").await?;
    every_statement_counts(&trigger, &[now(), invoke.clone()]).await?;
    let hijack = attach(&other).with(ATTACHED, FUNCTION);
    denied(&trigger, &[attach(FUNCTION), hijack.clone(), reschedule.clone(), read.clone()]).await?;

    let configure = document(&[], "configure").await?;
    let permit = Request::new("lambda:AddPermission", FUNCTION)
        .with("lambda:Principal", "secretsmanager.amazonaws.com");
    let needed = [
        attach(FUNCTION),
        reschedule,
        now(),
        Request::new("secretsmanager:CancelRotateSecret", secret).with(ATTACHED, FUNCTION),
        Request::new("secretsmanager:DescribeSecret", secret),
        Request::new("lambda:GetPolicy", FUNCTION),
        invoke,
        permit,
    ];
    every_statement_counts(&configure, &needed).await?;
    let anybody = Request::new("lambda:AddPermission", FUNCTION).with("lambda:Principal", "*");
    denied(&configure, &[attach(&other), hijack, read, anybody]).await
}
