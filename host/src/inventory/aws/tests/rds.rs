//! Amazon RDS.

use crate::host_port::HostPort;

use super::*;

fn place(host: &str, port: u16) -> Option<HostPort> {
    Some(HostPort { host: format!("{host}.eu-west-1.rds.amazonaws.com"), port })
}

#[tokio::test]
async fn each_kind_of_instance_is_read() {
    let instance = |id: &str, endpoint, engine: &str| Instance {
        id: id.into(),
        endpoint,
        engine: engine.into(),
        replica_of: None,
        cluster: None,
    };
    for (text, expected) in [
        (recorded!("instance.xml"), instance("app", place("app.c1a2b3d4e5f6", 5432), "postgres")),
        (
            recorded!("replica.xml"),
            Instance {
                replica_of: Some("app".into()),
                ..instance("app-replica", place("app-replica.c1a2b3d4e5f6", 5433), "postgres")
            },
        ),
        (
            recorded!("member.xml"),
            Instance {
                cluster: Some("pool".into()),
                ..instance("pool-2", place("pool-2.c1a2b3d4e5f6", 5432), "aurora-postgresql")
            },
        ),
        (recorded!("creating.xml"), instance("young", None, "oracle-se2")),
    ] {
        let (rds, asked) = services(vec![(200, text)]).await;
        assert_eq!(rds.instance(&expected.id).await.unwrap(), expected);
        let asked = asked.lock().unwrap();
        let body = format!(
            "Action=DescribeDBInstances&Version=2014-10-31&DBInstanceIdentifier={}",
            expected.id
        );
        assert_eq!(*asked, [body]);
    }
}

/// Two instances of no cluster have no cluster in common, however an emulator writes that.
#[tokio::test]
async fn what_is_empty_is_not_there() {
    let empty = "<R><DescribeDBInstancesResult><DBInstances><DBInstance>\
                 <DBInstanceIdentifier>App</DBInstanceIdentifier><DBClusterIdentifier/>\
                 <ReadReplicaSourceDBInstanceIdentifier></ReadReplicaSourceDBInstanceIdentifier>\
                 <Endpoint><Address/><Port>5432</Port></Endpoint>\
                 </DBInstance></DBInstances></DescribeDBInstancesResult></R>";
    let (rds, _) = services(vec![(200, empty)]).await;
    let expected = Instance {
        id: "app".into(),
        endpoint: None,
        engine: String::new(),
        replica_of: None,
        cluster: None,
    };
    assert_eq!(rds.instance("app").await.unwrap(), expected);
}

#[tokio::test]
async fn a_cluster_is_read_by_its_arn_as_by_its_name() {
    let arn = "arn:aws:rds:eu-west-1:123456789012:cluster:pool";
    for (id, sent) in
        [("pool", "pool"), (arn, "arn%3Aaws%3Ards%3Aeu-west-1%3A123456789012%3Acluster%3Apool")]
    {
        let (rds, asked) = services(vec![(200, recorded!("cluster.xml"))]).await;
        let expected = Cluster {
            id: "pool".into(),
            endpoint: place("pool.cluster-c1a2b3d4e5f6", 5432),
            reader_endpoint: place("pool.cluster-ro-c1a2b3d4e5f6", 5432),
            engine: "aurora-postgresql".into(),
        };
        assert_eq!(rds.cluster(id).await.unwrap(), expected);
        let asked = asked.lock().unwrap();
        let body =
            format!("Action=DescribeDBClusters&Version=2014-10-31&DBClusterIdentifier={sent}");
        assert_eq!(*asked, [body]);
    }
}

#[tokio::test]
async fn an_answer_about_another_database_is_none() {
    let (first, _) = services(vec![(200, recorded!("instance.xml"))]).await;
    let error = first.instance("other").await.unwrap_err();
    assert_eq!(error.kind, InventoryErrorKind::NotFound);
    let (second, _) = services(vec![(200, recorded!("cluster.xml"))]).await;
    let error =
        second.cluster("arn:aws:rds:eu-west-1:210987654321:cluster:pool").await.unwrap_err();
    assert_eq!(error.kind, InventoryErrorKind::NotFound);
}

#[tokio::test]
async fn each_refusal_is_told_apart_with_what_to_do() {
    use InventoryErrorKind as Kind;
    for (status, text, kind, expected) in [
        (
            404,
            recorded!("instance-not-found.xml"),
            Kind::NotFound,
            "DBInstanceNotFound: DBInstance gone not found; check that it exists in the region",
        ),
        (404, recorded!("cluster-not-found.xml"), Kind::NotFound, "DBClusterNotFoundFault"),
        (400, recorded!("invalid-identifier.xml"), Kind::NotFound, "InvalidParameterValue"),
        (
            403,
            recorded!("access-denied.xml"),
            Kind::AccessDenied,
            r#"{"Effect": "Allow", "Action": "rds:DescribeDBInstances", "Resource": "arn:aws:rds:*:*:db:app"}"#,
        ),
        (403, recorded!("expired.xml"), Kind::Other, "ExpiredToken"),
    ] {
        let (rds, asked) = services(vec![(status, text)]).await;
        let error = rds.instance("app").await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().starts_with("DescribeDBInstances of `app`: "), "{error}");
        assert!(error.to_string().contains(expected), "expected `{expected}` in: {error}");
        assert_eq!(asked.lock().unwrap().len(), 1, "asking again would not help");
    }
}

#[tokio::test]
async fn what_passes_by_itself_is_asked_again_and_then_said_to_be_so() {
    for text in [recorded!("throttling.xml"), recorded!("internal.xml")] {
        let status = if text.contains("Throttling") { 400 } else { 500 };
        let (patient, asked) =
            services(vec![(status, text), (200, recorded!("instance.xml"))]).await;
        patient.instance("app").await.unwrap();
        assert_eq!(asked.lock().unwrap().len(), 2);
        let (given_up, _) = services(vec![(status, text); 3]).await;
        let error = given_up.instance("app").await.unwrap_err();
        assert_eq!(error.kind, InventoryErrorKind::Transient, "{error}");
    }
}

#[tokio::test]
async fn a_call_that_is_not_answered_says_why_and_what_to_look_at() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = at(&format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let error = closed.instance("app").await.unwrap_err();
    assert_eq!(error.kind, InventoryErrorKind::Transient);
    let text = error.to_string();
    let said = "Amazon RDS could not be used: connection refused: nothing listens there; check \
                AWS_ENDPOINT_URL_RDS";
    assert!(text.contains(said), "{text}");
}
