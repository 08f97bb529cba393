"""As much of the AWS command line as the commands need that Windlass prints.

    python3 aws.py secretsmanager OPERATION --key value …

The endpoint is AWS_ENDPOINT_URL. Only boto3 is needed.
"""

import os
import sys

import boto3

service, operation, *options = sys.argv[1:]
names, values = options[::2], options[1::2]
assert len(names) == len(values) and all(name.startswith("--") for name in names), options

client = boto3.client(
    service,
    endpoint_url=os.environ["AWS_ENDPOINT_URL"],
    region_name="us-east-1",
    aws_access_key_id="none",
    aws_secret_access_key="none",
)
keys = ["".join(word.capitalize() for word in name[2:].split("-")) for name in names]
getattr(client, operation.replace("-", "_"))(**dict(zip(keys, values)))
