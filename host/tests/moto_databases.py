"""Makes databases in the RDS and the Redshift at the endpoint given, and prints what boto3 reads."""

import json
import sys

import boto3

account = {
    "endpoint_url": sys.argv[1],
    "region_name": "us-east-1",
    "aws_access_key_id": "nobody",
    "aws_secret_access_key": "nobody",
}
rds = boto3.client("rds", **account)
redshift = boto3.client("redshift", **account)
admin = {"MasterUsername": "postgres", "MasterUserPassword": "made up for this"}
rds.create_db_instance(
    DBInstanceIdentifier="app",
    DBInstanceClass="db.t4g.micro",
    Engine="postgres",
    AllocatedStorage=20,
    Port=5433,
    **admin,
)
rds.create_db_instance_read_replica(
    DBInstanceIdentifier="app-replica", SourceDBInstanceIdentifier="app"
)
rds.create_db_cluster(DBClusterIdentifier="pool", Engine="aurora-postgresql", **admin)
for number in (1, 2):
    rds.create_db_instance(
        DBInstanceIdentifier=f"pool-{number}",
        DBInstanceClass="db.r7g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="pool",
    )
for name, port in (("dw", 5439), ("dw-2", 5440)):
    redshift.create_cluster(
        ClusterIdentifier=name,
        NodeType="ra3.xlplus",
        Port=port,
        MasterUsername="awsuser",
        MasterUserPassword="made up for this",
    )
seen = {
    "Clusters": redshift.describe_clusters()["Clusters"],
    "DBInstances": rds.describe_db_instances()["DBInstances"],
    "DBClusters": rds.describe_db_clusters()["DBClusters"],
}
print(json.dumps(seen, default=str))
