//! `windlass policy --check`, and the templates: what was deployed from one is found to be right.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use windlass_harness::process::Launch;
use windlass_harness::{Artifact, Moto, WorkDir};
use windlass_suite::{golden, windlass};

use super::{FUNCTION, document, judge};

/// A dozen calls of AWS's command line.
const LIMIT: Duration = Duration::from_secs(120);

/// What is done to a policy, and with which further options it is compared.
struct Case {
    what: &'static str,
    kind: &'static str,
    options: &'static [&'static str],
    policy: Value,
}

/// As the user guide's page on rotation permissions has it.
fn of_the_guide(more: &[Value]) -> Value {
    let mut statements = vec![
        json!({ "Effect": "Allow", "Action": [
                "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"
            ], "Resource": "*", "Condition": { "StringEquals": {
                "secretsmanager:resource/AllowRotationLambdaArn": FUNCTION } } }),
        json!({ "Effect": "Allow", "Action": ["secretsmanager:GetRandomPassword"], "Resource": "*" }),
        json!({ "Action": ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces"], "Resource": "*", "Effect": "Allow" }),
    ];
    statements.extend(more.iter().cloned());
    json!({ "Version": "2012-10-17", "Statement": statements })
}

async fn cases() -> Result<Vec<Case>> {
    const ADMIN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:admin-AbCdEf";
    const OF_ADMIN: &[&str] = &["--vpc", "--admin-secret", ADMIN];
    let permissions = document(&[], "permissions").await?;
    let function = document(&[], "function").await?;
    let first = |policy: &Value, key: &str, value: Value| {
        let mut policy = policy.clone();
        policy["Statement"][0][key] = value;
        policy
    };
    let with = |policy: &Value, statement: Value| {
        let mut policy = policy.clone();
        if let Some(all) = policy["Statement"].as_array_mut() {
            all.push(statement);
        }
        policy
    };
    let case = |what, kind, policy| Case { what, kind, options: &[], policy };
    let admin =
        json!({ "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": ADMIN });
    let attached = |value: &str| json!({ "StringEquals": { "secretsmanager:resource/AllowRotationLambdaArn": value } });
    let mut inverted = permissions.clone();
    inverted["Statement"][1] = json!({ "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" });
    Ok(vec![
        case("ours", "permissions", permissions.clone()),
        Case {
            options: &["--vpc"],
            ..case("single-user of the guide", "permissions", of_the_guide(&[]))
        },
        Case {
            options: OF_ADMIN,
            ..case("master-user of the guide", "permissions", of_the_guide(&[admin]))
        },
        case(
            "another function's secrets",
            "permissions",
            first(&permissions, "Condition", attached(&format!("{FUNCTION}2"))),
        ),
        case("no condition", "permissions", first(&permissions, "Condition", json!({}))),
        case(
            "ArnEquals in place of StringEquals",
            "permissions",
            first(
                &permissions,
                "Condition",
                json!({ "ArnEquals": { "secretsmanager:resource/AllowRotationLambdaArn": FUNCTION } }),
            ),
        ),
        case(
            "every action of Secrets Manager",
            "permissions",
            first(&permissions, "Action", json!("secretsmanager:*")),
        ),
        case(
            "one more action",
            "permissions",
            with(
                &permissions,
                json!({ "Sid": "Oops", "Effect": "Allow", "Action": "secretsmanager:DeleteSecret", "Resource": "*" }),
            ),
        ),
        case(
            "a statement that denies",
            "permissions",
            with(
                &permissions,
                json!({ "Sid": "Never",
            "Effect": "Deny", "Action": "secretsmanager:Put*", "Resource": "*" }),
            ),
        ),
        case("what it is not about", "permissions", inverted),
        case("any account", "function", first(&function, "Condition", json!({}))),
        case(
            "one secret alone",
            "function",
            first(
                &function,
                "Condition",
                json!({ "StringEquals": {
            "aws:SourceAccount": "123456789012" }, "ArnEquals": { "aws:SourceArn": "arn:aws:x" } }),
            ),
        ),
        case(
            "another service",
            "function",
            first(&function, "Principal", json!({ "Service": "events.amazonaws.com" })),
        ),
        case(
            "Secrets Manager assumes the role, as the guide calls it",
            "trust",
            json!({ "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": { "Service": "secretsmanager.amazonaws.com" } } }),
        ),
    ])
}

#[tokio::test]
async fn what_is_missing_or_too_wide_is_named() -> Result<()> {
    let work = WorkDir::new()?;
    let file = work.path().join("policy.json");
    let shown = file.display().to_string();
    let mut said = String::new();
    for Case { what, kind, options, policy } in cases().await? {
        fs::write(&file, policy.to_string())?;
        let mut arguments = vec!["policy", "--function-arn", FUNCTION, "--check", &shown];
        arguments.extend(options);
        let ran = windlass(&arguments, &[]).await?;
        let text = format!("{}{}", ran.stdout, ran.stderr).replace(&shown, "FILE");
        said += &format!("# {what}\n{text}exit code {}\n\n", ran.code.context("a signal")?);
        arguments.extend(["--output", "json"]);
        let found = windlass(&arguments, &[]).await?;
        let first = found.stdout.lines().next().context("no JSON")?;
        let found: Value = serde_json::from_str(first)?;
        for finding in found["findings"].as_array().context("no findings")? {
            ensure!(finding["document"] == kind, "{what}: {finding}");
        }
    }
    golden("policy-check.txt", &said)
}

#[tokio::test]
async fn what_is_no_policy_is_one_clear_error() -> Result<()> {
    let work = WorkDir::new()?;
    let file = work.path().join("policy.json");
    let shown = file.display().to_string();
    for (content, part) in [
        ("", "not JSON: line 1"),
        ("[]", "no policy"),
        ("{\"Statement\": []}", "no policy"),
        ("{\"Statement\": [1]}", "statement 1: `Statement` must be an object"),
        ("{\"Statement\": {\"Effect\": \"allow\"}}", "`Effect` must be"),
        ("{\"Statement\": {\"Effect\": \"Allow\"}}", "`Action` is missing"),
        (
            "{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"a:b\", \"Condition\": 3}}",
            "`Condition` must hold",
        ),
    ] {
        fs::write(&file, content)?;
        let ran = windlass(&["policy", "--function-arn", FUNCTION, "--check", &shown], &[]).await?;
        ensure!(ran.code == Some(3) && ran.stderr.contains(part), "{content}: {}", ran.stderr);
        ensure!(ran.stderr.contains(&shown), "{content}: {}", ran.stderr);
    }
    for (arguments, code, part) in [
        (&["--function-arn", "windlass"][..], 2, "not the ARN of a Lambda function"),
        (&["--function-arn", FUNCTION, "--kms-key", "alias/app"], 2, "describe-key"),
        (&["--function-arn", FUNCTION, "--strategy", "both"], 2, "unknown strategy"),
        (&["--function-arn", FUNCTION, "--strategy", "alternating-users"], 3, "--admin-secret"),
        (&["--function-arn", FUNCTION, "--boundary", "x"], 3, "--format"),
        (&["--function-arn", FUNCTION, "--managed-by", "rds"], 2, "--admin-secret"),
        (&["--function-arn", FUNCTION, "--document", "role"], 2, "the documents are"),
        (&["--function-arn", FUNCTION, "--check", "/nowhere"], 3, "failed to read `/nowhere`"),
        (&["--function-arn", FUNCTION, "--secret-id", "a", "--vpc"], 3, "--plugins"),
    ] {
        let all: Vec<&str> = ["policy"].iter().chain(arguments).copied().collect();
        let ran = windlass(&all, &[]).await?;
        ensure!(ran.code == Some(code), "{arguments:?}: {:?} {}", ran.code, ran.stderr);
        ensure!(
            ran.stderr.contains(part) && ran.stdout.is_empty(),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
    Ok(())
}

/// The function, a stack of the template, and what AWS's commands print of both.
const DEPLOY: &str = "
aws iam create-role --role-name other --assume-role-policy-document '{}'
python3 -c 'import zipfile; zipfile.ZipFile(\"f.zip\", \"w\").writestr(\"bootstrap\", \"\")'
aws lambda create-function --function-name windlass --runtime provided.al2023 --handler bootstrap \\
  --zip-file fileb://f.zip --role arn:aws:iam::123456789012:role/other
aws cloudformation create-stack --stack-name permissions --template-body file://template.json \\
  --capabilities CAPABILITY_NAMED_IAM
aws cloudformation wait stack-create-complete --stack-name permissions
aws iam get-role --role-name windlass > role.json
aws iam get-role-policy --role-name windlass --policy-name rotate > permissions.json
aws lambda get-policy --function-name windlass > function.json
for NAME in configure trigger; do
  aws iam get-policy-version --version-id v1 \\
    --policy-arn arn:aws:iam::123456789012:policy/windlass-$NAME > $NAME.json
done
";

#[tokio::test]
async fn what_is_deployed_from_the_template_is_right() -> Result<()> {
    let moto = Moto::start().await?;
    let work = WorkDir::new()?;
    let boundary = "arn:aws:iam::123456789012:policy/boundary";
    let options = ["policy", "--function-arn", FUNCTION, "--vpc"];
    let mut arguments = options.to_vec();
    arguments.extend(["--format", "cloudformation", "--boundary", boundary]);
    let template = windlass(&arguments, &[]).await?;
    fs::write(work.path().join("template.json"), &template.stdout)?;
    let python = Artifact::Python.path()?;
    let folder = python.parent().context("the interpreter is in a folder")?;
    let ran = Launch::new("/usr/bin/env")
        .args([format!("PATH={}:/usr/bin:/bin", folder.display()).as_str(), "bash", "-euxc"])
        .args([format!("cd '{}'\n{DEPLOY}", work.path().display())])
        .env("AWS_ENDPOINT_URL", moto.endpoint())
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "any")
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .finish(LIMIT)
        .await?;
    ensure!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let file = |name: &str| work.path().join(name).display().to_string();
    let role: Value = serde_json::from_slice(&fs::read(work.path().join("role.json"))?)?;
    let attached = &role["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"];
    ensure!(attached == boundary, "{role}");
    let files = ["role.json", "permissions.json", "function.json"].map(file);
    let people =
        ["configure", "trigger"].map(|name| format!("{name}={}", file(&format!("{name}.json"))));
    let mut arguments = options.to_vec();
    for check in files.iter().chain(&people) {
        arguments.extend(["--check", check.as_str()]);
    }
    let checked = windlass(&arguments, &[]).await?;
    ensure!(checked.code == Some(0), "{}{}", checked.stdout, checked.stderr);
    ensure!(checked.stdout.ends_with("and no more\n"), "{}", checked.stdout);
    // It was the files that decided.
    let without = windlass(&[&options[..3], &["--check", &files[1]]].concat(), &[]).await?;
    ensure!(without.code == Some(3), "{}", without.stdout);
    ensure!(without.stdout.contains("ec2:CreateNetworkInterface"), "{}", without.stdout);
    Ok(())
}

#[tokio::test]
async fn terraforms_own_parser_reads_the_same_statements() -> Result<()> {
    if judge::missing() {
        return Ok(());
    }
    let arguments = ["policy", "--function-arn", FUNCTION, "--vpc", "--format", "terraform"];
    let file = windlass(&arguments, &[]).await?.stdout;
    let parsed: Value = serde_json::from_str(&judge::run("hcl.mjs", "policy.tf", &file).await?)?;
    let resources = &parsed["resource"];
    let policy = |kind: &str, name: &str, key: &str| -> Result<String> {
        let text = resources[kind][name][0][key].as_str();
        Ok(text.with_context(|| format!("no {kind} {name} {key}: {parsed}"))?.to_owned())
    };
    for (document_kind, text) in [
        ("trust", policy("aws_iam_role", "rotation", "assume_role_policy")?),
        ("permissions", policy("aws_iam_role_policy", "rotation", "policy")?),
        ("configure", policy("aws_iam_policy", "configure_rotation", "policy")?),
        ("trigger", policy("aws_iam_policy", "trigger_rotation", "policy")?),
    ] {
        let inner = text.strip_prefix("${jsonencode(").and_then(|rest| rest.strip_suffix(")}"));
        let inner = inner.with_context(|| text.clone())?;
        let expected = document(&["--vpc"], document_kind).await?;
        ensure!(object(inner)? == expected, "{document_kind}: {inner}");
    }
    let permission = &resources["aws_lambda_permission"]["rotation"][0];
    ensure!(permission["source_account"] == "123456789012", "{permission}");
    Ok(())
}

/// An object of Terraform's language that holds texts, lists and objects, as JSON.
fn object(text: &str) -> Result<Value> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let closes = line.starts_with(['}', ']']);
        if let Some(last) = lines.last_mut().filter(|_| closes) {
            *last = last.trim_end_matches(',').to_owned();
        }
        let line = line.replacen("\" = ", "\": ", 1).trim_end_matches(',').to_owned();
        let opens = line.ends_with(['{', '[']);
        lines.push(if opens { line } else { format!("{line},") });
    }
    let text = lines.join("\n");
    serde_json::from_str(text.trim_end_matches(',')).with_context(|| text.clone())
}
