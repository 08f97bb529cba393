//! What a rotation needs, as statements.

use std::collections::BTreeSet;

use super::arn::{FunctionArn, KeyArn};
use super::document::{Condition, Document, Effect, Kind, Principal, Statement};
use crate::iam;

/// Who calls a rotation function.
pub(super) const SECRETS_MANAGER: &str = "secretsmanager.amazonaws.com";

/// Holds the ARN of the function that a secret is attached to. Secrets Manager alone sets it.
pub(super) const ATTACHED: &str = "secretsmanager:resource/AllowRotationLambdaArn";

/// The calls of Secrets Manager that a rotation makes of its own secret.
const OF_THE_SECRET: [&str; 5] = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
    "secretsmanager:ListSecretVersionIds",
];

/// What Lambda does with the role of a function in a VPC: the actions of AWS's own policy
/// AWSLambdaVPCAccessExecutionRole.
const INTERFACES: [&str; 6] = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
];

/// An API that is asked about databases, of the service that manages an administrator's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Api {
    /// Amazon RDS or Aurora
    Rds,
    /// Amazon Redshift, a provisioned cluster
    Redshift,
    /// Amazon Redshift Serverless
    RedshiftServerless,
}

/// A secret that is rotated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotatedSecret {
    /// Its whole ARN, or a pattern of several.
    pub arn: String,
    /// Its key, as DescribeSecret has it (an ARN, an id, or an alias), if it is not AWS's own.
    pub key: Option<String>,
}

/// A secret of an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminSecret {
    /// Its ARN or its name.
    pub id: String,
    /// As of a [`RotatedSecret`].
    pub key: Option<String>,
    /// Whether Amazon RDS or Amazon Redshift manages it.
    pub managed: bool,
}

/// What the rotations of one function need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// The function.
    pub function: FunctionArn,
    /// The secrets; if none, all of the function's account and region that are attached to it.
    pub secrets: Vec<RotatedSecret>,
    /// Keys of secrets that are not named.
    pub keys: Vec<KeyArn>,
    /// The administrators'.
    pub admins: Vec<AdminSecret>,
    /// Which APIs are asked.
    pub apis: BTreeSet<Api>,
    /// Whether the function is in a VPC.
    pub in_vpc: bool,
}

/// All documents, in the order of [`Kind::ALL`].
pub fn documents(needs: &Needs) -> Vec<Document> {
    Kind::ALL
        .into_iter()
        .map(|kind| {
            let statements = match kind {
                Kind::Function => vec![invocation(&needs.function)],
                Kind::Trust => vec![trust()],
                Kind::Permissions => permissions(needs),
                Kind::Configure => configure(needs),
                Kind::Trigger => trigger(needs),
            };
            Document { kind, statements }
        })
        .collect()
}

fn invocation(function: &FunctionArn) -> Statement {
    let statement = Statement::allow(
        "SecretsManagerInvokes",
        &["lambda:InvokeFunction"],
        vec![function.to_string()],
        "Secrets Manager invokes the function for each step. Without aws:SourceAccount it would do so for \
         secrets of any account; with aws:SourceArn for one secret alone.",
    );
    let principal = Some(Principal::Service(SECRETS_MANAGER.to_owned()));
    let account = function.account.clone();
    let only = Condition::new("StringEquals", "aws:SourceAccount", account);
    Statement { principal, ..statement }.only_if(only)
}

fn trust() -> Statement {
    let why = "Lambda runs the function with this role. Secrets Manager does not assume it.";
    let principal = Some(Principal::Service("lambda.amazonaws.com".to_owned()));
    Statement { principal, ..Statement::allow("LambdaAssumes", &["sts:AssumeRole"], vec![], why) }
}

fn permissions(needs: &Needs) -> Vec<Statement> {
    let function = &needs.function;
    let mut all = vec![
        Statement::allow(
            "RotateAttachedSecrets",
            &OF_THE_SECRET,
            secrets(needs),
            "The calls of the four steps, only on secrets that are attached to this function. \
             ListSecretVersionIds finds the password of a rotation that was abandoned half-way; AWS's \
             functions don't have it, and are stuck then.",
        )
        .only_if(attached(function)),
        Statement::allow(
            "MakePasswords",
            &["secretsmanager:GetRandomPassword"],
            vec!["*".to_owned()],
            "It belongs to no secret: under the condition above, or on a secret's ARN, it is denied.",
        ),
    ];
    all.extend(admins(needs));
    all.extend(keys(needs));
    all.extend(needs.apis.iter().map(|api| databases(function, *api)));
    if needs.in_vpc {
        all.extend(interfaces(function));
    }
    all.push(Statement::allow(
        "WriteLogs",
        &["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        // The group by itself, and its streams.
        ["", ":*"]
            .map(|of| format!("log-group:/aws/lambda/{}{of}", function.name))
            .map(|group| function.sibling("logs", &group))
            .to_vec(),
        "The function's own log, with its metrics. CreateLogGroup only where the group is not made before.",
    ));
    all
}

/// Only of secrets that are attached to the function.
fn attached(function: &FunctionArn) -> Condition {
    Condition::new("StringEquals", ATTACHED, function.to_string())
}

/// The secrets that statements are about.
fn secrets(needs: &Needs) -> Vec<String> {
    if needs.secrets.is_empty() {
        return vec![needs.function.sibling("secretsmanager", "secret:*")];
    }
    needs.secrets.iter().map(|secret| iam::literal(&secret.arn)).collect()
}

/// A secret by its ARN, or by its name: Secrets Manager adds six characters to that.
fn resource(function: &FunctionArn, id: &str) -> String {
    let id = iam::literal(id);
    if id.starts_with("arn:") {
        id
    } else {
        function.sibling("secretsmanager", &format!("secret:{id}-??????"))
    }
}

fn admins(needs: &Needs) -> Vec<Statement> {
    let named = |managed: bool| -> Vec<String> {
        let admins = needs.admins.iter().filter(|admin| admin.managed == managed);
        admins.map(|admin| resource(&needs.function, &admin.id)).collect()
    };
    let (own, managed) = (named(false), named(true));
    let mut all = Vec::new();
    if !own.is_empty() {
        all.push(Statement::allow(
            "ReadAdministrators",
            &["secretsmanager:GetSecretValue"],
            own,
            "The administrator's credential, which the secret names in `masterarn`. This secret is not \
             attached to the function, so the condition above would deny it.",
        ));
    }
    if !managed.is_empty() {
        all.push(Statement::allow(
            "ReadManagedAdministrators",
            &["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
            managed,
            "An administrator's secret that AWS manages holds a credential alone: its tags, which \
             DescribeSecret has, say which database it is for.",
        ));
    }
    all
}

fn keys(needs: &Needs) -> Vec<Statement> {
    let mut all = Vec::new();
    let both = &["kms:Decrypt", "kms:GenerateDataKey"];
    let of_secret = "The secret is encrypted with a key of its own: reading a version decrypts, storing one \
                     encrypts. Only by way of Secrets Manager, and only for this secret.";
    for (index, secret) in needs.secrets.iter().enumerate() {
        if let Some(key) = &secret.key {
            let sid = numbered("UseKeyOfSecret", index);
            all.push(key_statement(needs, &sid, both, key, &iam::literal(&secret.arn), of_secret));
        }
    }
    if !needs.keys.is_empty() {
        let keys = needs.keys.iter().map(|key| key.as_str().to_owned()).collect();
        let pattern = needs.function.sibling("secretsmanager", "secret:*");
        let statement = Statement::allow("UseKeysOfSecrets", both, keys, of_secret);
        all.push(under_secrets_manager(needs, statement, &pattern));
    }
    for (index, admin) in needs.admins.iter().enumerate() {
        if let Some(key) = &admin.key {
            let sid = numbered("UseKeyOfAdministrator", index);
            let arn = resource(&needs.function, &admin.id);
            let why =
                "The administrator's secret is encrypted with a key of its own. It is only read.";
            all.push(key_statement(needs, &sid, &["kms:Decrypt"], key, &arn, why));
        }
    }
    all
}

/// The first has no number: there is one, usually.
fn numbered(sid: &str, index: usize) -> String {
    if index == 0 { sid.to_owned() } else { format!("{sid}{}", index + 1) }
}

fn key_statement(
    needs: &Needs,
    sid: &str,
    actions: &[&str],
    key: &str,
    secret: &str,
    why: &str,
) -> Statement {
    let function = &needs.function;
    // A statement about an alias's ARN grants nothing; one about the keys that have it does.
    let (resource, alias) = match key.rsplit_once("alias/") {
        Some((_, name)) => (function.sibling("kms", "key/*"), Some(format!("alias/{name}"))),
        None if key.starts_with("arn:") => (key.to_owned(), None),
        None => (function.sibling("kms", &format!("key/{key}")), None),
    };
    let statement = Statement::allow(sid, actions, vec![resource], why);
    let statement = under_secrets_manager(needs, statement, secret);
    match alias {
        None => statement,
        Some(alias) => statement.only_if(Condition::new(
            "ForAnyValue:StringEquals",
            "kms:ResourceAliases",
            alias,
        )),
    }
}

/// Of a key: only for this secret, by way of Secrets Manager.
fn under_secrets_manager(needs: &Needs, statement: Statement, secret: &str) -> Statement {
    let via = needs.function.endpoint("secretsmanager");
    let equals = if secret.contains(['*', '?']) { "StringLike" } else { "StringEquals" };
    statement
        .only_if(Condition::new("StringEquals", "kms:ViaService", via))
        .only_if(Condition::new(equals, "kms:EncryptionContext:SecretARN", secret))
}

fn databases(function: &FunctionArn, api: Api) -> Statement {
    match api {
        Api::Rds => Statement::allow(
            "AskRds",
            &["rds:DescribeDBInstances", "rds:DescribeDBClusters"],
            vec![function.sibling("rds", "db:*"), function.sibling("rds", "cluster:*")],
            "Which database a managed administrator is for, and whether a read replica or a reader endpoint \
             is of the same one.",
        ),
        Api::Redshift => Statement::allow(
            "AskRedshift",
            &["redshift:DescribeClusters"],
            vec!["*".to_owned()],
            "Which cluster a managed administrator is for. This action knows no resources.",
        ),
        Api::RedshiftServerless => Statement::allow(
            "AskRedshiftServerless",
            &["redshift-serverless:ListNamespaces", "redshift-serverless:ListWorkgroups"],
            vec!["*".to_owned()],
            "Which workgroup a managed administrator is for. These actions know no resources.",
        ),
    }
}

fn interfaces(function: &FunctionArn) -> [Statement; 2] {
    let everything = || vec!["*".to_owned()];
    let allowed = Statement::allow(
        "LambdaMakesNetworkInterfaces",
        &INTERFACES,
        everything(),
        "Lambda connects the function to the VPC with the function's own role.",
    );
    let denied = Statement::allow(
        "TheFunctionDoesNot",
        &INTERFACES,
        everything(),
        "Lambda does that before and after the function runs; its code has no business there.",
    );
    let from_code = Condition::new("ArnEquals", "lambda:SourceFunctionArn", function.to_string());
    [allowed, Statement { effect: Effect::Deny, ..denied }.only_if(from_code)]
}

fn configure(needs: &Needs) -> Vec<Statement> {
    let function = &needs.function;
    let secrets = secrets(needs);
    vec![
        Statement::allow(
            "AttachThisFunction",
            &["secretsmanager:RotateSecret"],
            secrets.clone(),
            "Attaches secrets to this function and to no other, which could read them.",
        )
        .only_if(Condition::new(
            "StringEquals",
            "secretsmanager:RotationLambdaARN",
            function.to_string(),
        )),
        Statement::allow(
            "ChangeRotation",
            &["secretsmanager:RotateSecret", "secretsmanager:CancelRotateSecret"],
            secrets.clone(),
            "Changes the schedule of secrets that are attached already, rotates them, or ends rotation.",
        )
        .only_if(attached(function))
        .only_if(Condition::new("Null", "secretsmanager:RotationLambdaARN", "true")),
        Statement::allow(
            "SeeRotation",
            &["secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds"],
            secrets,
            "What is attached, when it rotates, and what is stuck (`windlass status`). No value is read.",
        ),
        invoke(function),
        Statement::allow(
            "SeeWhoInvokes",
            &["lambda:GetPolicy"],
            vec![function.to_string()],
            "The function's resource policy, to compare it with this one.",
        ),
        Statement::allow(
            "LetSecretsManagerInvoke",
            &["lambda:AddPermission"],
            vec![function.to_string()],
            "Adds the function's resource policy, for Secrets Manager and nobody else.",
        )
        .only_if(Condition::new("StringEquals", "lambda:Principal", SECRETS_MANAGER)),
    ]
}

/// Secrets Manager makes sure that whoever calls RotateSecret may invoke the function.
fn invoke(function: &FunctionArn) -> Statement {
    Statement::allow(
        "InvokeThisFunction",
        &["lambda:InvokeFunction"],
        vec![function.to_string()],
        "RotateSecret asks for it of whoever calls it.",
    )
}

fn trigger(needs: &Needs) -> Vec<Statement> {
    let function = &needs.function;
    vec![
        Statement::allow(
            "RotateNow",
            &["secretsmanager:RotateSecret"],
            secrets(needs),
            "Rotates secrets that are attached to this function. The conditions keep whoever has this from \
             attaching another function, which could read the secret, and from changing the schedule.",
        )
        .only_if(attached(function))
        .only_if(Condition::new("Null", "secretsmanager:RotationLambdaARN", "true"))
        .only_if(Condition::new("BoolIfExists", "secretsmanager:ModifyRotationRules", "false")),
        invoke(function),
    ]
}
