//! Amazon Redshift and Redshift Serverless.

use super::*;
use crate::host_port::HostPort;

const CLUSTER: &str = "arn:aws:redshift:eu-west-1:123456789012:cluster:dw";
const NAMESPACE: &str = "arn:aws:redshift-serverless:eu-west-1:123456789012:namespace/\
                         22222222-0b8f-4f6a-9c4e-1f2e3d4c5b6a";
const NAMESPACES: &str = "RedshiftServerless.ListNamespaces";
const WORKGROUPS: &str = "RedshiftServerless.ListWorkgroups";

/// How many pages are read.
const PAGES: usize = 20;

fn first_pages() -> [(&'static str, Recorded); 2] {
    [
        (NAMESPACES, (200, recorded!("namespaces-1.json"))),
        (WORKGROUPS, (200, recorded!("workgroups-1.json"))),
    ]
}

fn second_pages() -> [(&'static str, Recorded); 2] {
    [
        (NAMESPACES, (200, recorded!("namespaces-2.json"))),
        (WORKGROUPS, (200, recorded!("workgroups-2.json"))),
    ]
}

#[tokio::test]
async fn a_cluster_is_asked_for_by_the_name_in_its_arn() {
    let place = HostPort {
        host: "dw.c1a2b3d4e5f6.eu-west-1.redshift.amazonaws.com".to_owned(),
        port: 5439,
    };
    for (text, expected) in [
        (recorded!("redshift-cluster.xml"), Some(place)),
        (recorded!("redshift-creating.xml"), None),
    ] {
        let (redshift, asked) = services(vec![(200, text)]).await;
        assert_eq!(redshift.redshift_cluster(CLUSTER).await.unwrap(), expected);
        let body = "Action=DescribeClusters&Version=2012-12-01&ClusterIdentifier=dw";
        assert_eq!(*asked.lock().unwrap(), [body]);
    }
}

/// The name is asked for in the account and region of whoever asks, whosever the ARN is.
#[tokio::test]
async fn a_cluster_of_another_account_or_region_or_name_is_none() {
    for arn in [
        "arn:aws:redshift:eu-west-1:210987654321:cluster:dw",
        "arn:aws:redshift:eu-west-2:123456789012:cluster:dw",
        "arn:aws-cn:redshift:eu-west-1:123456789012:cluster:dw",
        "arn:aws:redshift:eu-west-1:123456789012:cluster:DW",
        "arn:aws:redshift:eu-west-1:123456789012:cluster:other",
    ] {
        let (redshift, _) = services(vec![(200, recorded!("redshift-cluster.xml"))]).await;
        let error = redshift.redshift_cluster(arn).await.unwrap_err();
        assert_eq!(error.kind, InventoryErrorKind::NotFound, "{arn}");
    }
}

#[tokio::test]
async fn the_workgroups_of_a_namespace_are_found_on_whatever_page_they_are() {
    let (serverless, asked) = by_action([first_pages(), second_pages()].concat()).await;
    let found = serverless.redshift_workgroups(NAMESPACE).await.unwrap();
    let place = HostPort {
        host: "reports.123456789012.eu-west-1.redshift-serverless.amazonaws.com".to_owned(),
        port: 5439,
    };
    let expected = [
        Workgroup { name: "reports".to_owned(), endpoint: Some(place) },
        Workgroup { name: "reports-large".to_owned(), endpoint: None },
    ];
    assert_eq!(found, expected);
    let mut asked = asked.lock().unwrap().clone();
    asked.sort();
    let page = |action: &str, page: &str| format!("{action} {page}");
    let (first, second) = (r#"{"maxResults":100}"#, r#"{"nextToken":"second","maxResults":100}"#);
    let expected = [
        page(NAMESPACES, first),
        page(NAMESPACES, second),
        page(WORKGROUPS, first),
        page(WORKGROUPS, second),
    ];
    let mut expected: Vec<_> = expected.into();
    expected.sort();
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_namespace_that_is_on_no_page_is_not_found() {
    let (serverless, _) = by_action([first_pages(), second_pages()].concat()).await;
    // As the first namespace, but of another account.
    let arn = "arn:aws:redshift-serverless:eu-west-1:210987654321:namespace/\
               11111111-0b8f-4f6a-9c4e-1f2e3d4c5b6a";
    let error = serverless.redshift_workgroups(arn).await.unwrap_err();
    assert_eq!(error.kind, InventoryErrorKind::NotFound);
    let text = error.to_string();
    assert!(text.starts_with(&format!("ListNamespaces of `{arn}`: ")), "{text}");
    assert!(text.contains("check that it exists in the region and account"), "{text}");
}

#[tokio::test]
async fn a_list_without_end_is_read_to_a_bound() {
    let pages = [first_pages(); PAGES].concat();
    let (serverless, asked) = by_action(pages).await;
    let error = serverless.redshift_workgroups(NAMESPACE).await.unwrap_err();
    assert_eq!(error.kind, InventoryErrorKind::Other);
    assert!(error.to_string().contains("has more than 20 pages"), "{error}");
    assert_eq!(asked.lock().unwrap().len(), 40);
}

#[tokio::test]
async fn each_refusal_of_redshift_is_told_apart_with_what_to_do() {
    use InventoryErrorKind as Kind;
    for (status, text, kind, expected) in [
        (404, recorded!("redshift-not-found.xml"), Kind::NotFound, "check that it exists"),
        (
            403,
            recorded!("redshift-access-denied.xml"),
            Kind::AccessDenied,
            r#"{"Effect": "Allow", "Action": "redshift:DescribeClusters", "Resource": "*"}"#,
        ),
    ] {
        let (redshift, _) = services(vec![(status, text)]).await;
        let error = redshift.redshift_cluster(CLUSTER).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().starts_with(&format!("DescribeClusters of `{CLUSTER}`: ")));
        assert!(error.to_string().contains(expected), "expected `{expected}` in: {error}");
    }
    let denied = (400, recorded!("serverless-access-denied.json"));
    let (serverless, _) =
        by_action(vec![(NAMESPACES, denied), first_pages()[1], second_pages()[1]]).await;
    let error = serverless.redshift_workgroups(NAMESPACE).await.unwrap_err();
    assert_eq!(error.kind, Kind::AccessDenied, "{error}");
    let statement = r#"{"Effect": "Allow", "Action": ["redshift-serverless:ListNamespaces", "redshift-serverless:ListWorkgroups"], "Resource": "*"}"#;
    assert!(error.to_string().contains(statement), "{error}");
}

#[tokio::test]
async fn what_passes_by_itself_is_asked_again_of_redshift_too() {
    let throttled = (400, recorded!("serverless-throttling.json"));
    let answers = vec![(NAMESPACES, throttled), (WORKGROUPS, throttled)];
    let answers = [answers, first_pages().into(), second_pages().into()].concat();
    let (serverless, asked) = by_action(answers).await;
    assert_eq!(serverless.redshift_workgroups(NAMESPACE).await.unwrap().len(), 2);
    assert_eq!(asked.lock().unwrap().len(), 6);
}

#[tokio::test]
async fn a_redshift_that_does_not_answer_is_named_with_its_own_variable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = at(&format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let provisioned = closed.redshift_cluster(CLUSTER).await.unwrap_err();
    let serverless = closed.redshift_workgroups(NAMESPACE).await.unwrap_err();
    for (error, name, variable) in [
        (provisioned, "Amazon Redshift could", "AWS_ENDPOINT_URL_REDSHIFT"),
        (serverless, "Amazon Redshift Serverless could", "AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS"),
    ] {
        assert_eq!(error.kind, InventoryErrorKind::Transient);
        let text = error.to_string();
        assert!(text.contains(name) && text.contains(&format!("check {variable}")), "{text}");
    }
}
