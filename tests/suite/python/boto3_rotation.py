"""RotateSecret, end to end: a rotation function written here, called by the embedded Secrets Manager.

    python3 boto3_rotation.py http://127.0.0.1:PORT FUNCTION_PORT

The server must have been told to call http://127.0.0.1:FUNCTION_PORT; this program listens there,
as AWS's Runtime Interface Emulator does, and rotates with boto3. It prints a line per row, and ends
with status 1 at the first that does not hold. Only boto3 is needed.
"""

import http.server
import json
import re
import sys
import threading
import time
import urllib.request
import uuid

import boto3
import botocore.config
import botocore.exceptions

ENDPOINT, PORT = sys.argv[1].rstrip("/"), int(sys.argv[2])
PREFIX = f"rotation-{uuid.uuid4().hex[:8]}/"
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]

sm = boto3.client(
    "secretsmanager", endpoint_url=ENDPOINT, region_name="us-east-1",
    aws_access_key_id="none", aws_secret_access_key="none",
    config=botocore.config.Config(retries={"max_attempts": 0}, read_timeout=20),
)
events = []
failures = {}  # step -> how often it still has to fail
pause = threading.Event()
pause.set()


def row(text, holds, found=None):
    if not holds:
        print(f"FAILED {text}" + ("" if found is None else f": found {found}"), flush=True)
        sys.exit(1)
    print(f"ok     {text}", flush=True)


class Failure(Exception):
    pass


def rotate(event):
    """What a rotation function does, after AWS's template."""
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    found = sm.describe_secret(SecretId=arn)
    if found["RotationEnabled"] is False:
        raise Failure("rotation is off")
    stages = found["VersionIdsToStages"][token]
    if "AWSCURRENT" in stages:
        return
    if "AWSPENDING" not in stages:
        raise Failure("not pending")
    pause.wait(10)
    if failures.get(step, 0) > 0:
        failures[step] -= 1
        current = sm.get_secret_value(SecretId=arn)["SecretString"]
        raise Failure(f"{step} failed with {current} and {json.loads(current)['password']}")
    if step == "createSecret":
        try:
            sm.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        except sm.exceptions.ResourceNotFoundException:
            value = json.loads(sm.get_secret_value(SecretId=arn)["SecretString"])
            value["password"] = sm.get_random_password()["RandomPassword"]
            sm.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString=json.dumps(value),
                                VersionStages=["AWSPENDING"], RotationToken=event["RotationToken"])
    elif step == "testSecret":
        sm.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
    elif step == "finishSecret":
        current = [v for v, held in found["VersionIdsToStages"].items() if "AWSCURRENT" in held][0]
        sm.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT",
                                       MoveToVersionId=token, RemoveFromVersionId=current)


class Function(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        events.append((self.path, event))
        error = None
        try:
            rotate(event)
        except Exception as failure:  # whatever it is, the caller has to hear of it
            error = {"errorType": type(failure).__name__, "errorMessage": str(failure)}
        body = json.dumps(error).encode()
        self.send_response(200)
        if error:
            self.send_header("X-Amz-Function-Error", "Unhandled")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def make(of):
    return sm.create_secret(Name=PREFIX + of, SecretString=json.dumps({"username": "app", "password": "hunter2hunter2"}))


def rotations():
    return json.load(urllib.request.urlopen(ENDPOINT + "/windlass/rotations"))["rotations"]


def outcome(version, states=("running",)):
    """The rotation's record, once it is over."""
    deadline = time.time() + 30
    while time.time() < deadline:
        found = [r for r in rotations() if r["version"] == version]
        if found and found[-1]["state"] not in states:
            return found[-1]
        time.sleep(0.05)
    sys.exit(f"FAILED the rotation to {version} did not end")


def refused(text, code, call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        row(text, error.response["Error"]["Code"] == code, error.response["Error"])
    else:
        row(text, False, "success")


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Function)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    made = make("plain")
    started = sm.rotate_secret(SecretId=PREFIX + "plain")
    run = outcome(started["VersionId"])
    row("a rotation without a function's ARN succeeds where one is provided", run["state"] == "succeeded", run)
    row("its four steps run in order", [s["step"] for s in run["steps"]] == STEPS
        and [e["Step"] for _, e in events] == STEPS)
    row("through the Invoke API", {p for p, _ in events} == {"/2015-03-31/functions/function/invocations"})
    sent = [e for _, e in events]
    row("each event has the ARN, the token and a rotation token of its own",
        all(e["SecretId"] == made["ARN"] and e["ClientRequestToken"] == started["VersionId"]
            and re.fullmatch(r"[A-Za-z0-9-]{36,256}", e["RotationToken"]) for e in sent)
        and len({e["RotationToken"] for e in sent}) == 4)
    found = sm.describe_secret(SecretId=PREFIX + "plain")
    row("the new version is current, and AWSPENDING stays on it",
        found["VersionIdsToStages"] == {started["VersionId"]: ["AWSCURRENT", "AWSPENDING"],
                                        made["VersionId"]: ["AWSPREVIOUS"]})
    row("and LastRotatedDate is set", "LastRotatedDate" in found)
    row("the next rotation follows", outcome(sm.rotate_secret(SecretId=PREFIX + "plain")["VersionId"])["state"]
        == "succeeded")

    make("retry")
    failures["setSecret"] = 1
    run = outcome(sm.rotate_secret(SecretId=PREFIX + "retry")["VersionId"])
    row("a step that fails once: the whole rotation is attempted again, with the same token",
        run["state"] == "succeeded" and [(s["attempt"], s["step"], s["outcome"]) for s in run["steps"]]
        == [(1, "createSecret", "ok"), (1, "setSecret", "failed")] + [(2, s, "ok") for s in STEPS], run)
    failed = run["steps"][1]
    row("what the function said is kept, without the secret's values",
        failed["error_type"] == "Failure" and failed["error"]
        == 'setSecret failed with {"username": "app", "password": "[redacted]"} and [redacted]', failed)

    make("stuck")
    failures["testSecret"] = 3
    version = sm.rotate_secret(SecretId=PREFIX + "stuck")["VersionId"]
    run = outcome(version)
    row("a step that fails three times: the rotation has failed",
        run["state"] == "failed" and sum(s["outcome"] == "failed" for s in run["steps"]) == 3, run)
    found = sm.describe_secret(SecretId=PREFIX + "stuck")
    row("AWSPENDING is left, AWSCURRENT was not moved",
        found["VersionIdsToStages"].get(version) == ["AWSPENDING"] and "LastRotatedDate" not in found)
    refused("another rotation is refused", "InvalidRequestException", sm.rotate_secret,
            SecretId=PREFIX + "stuck")
    run = outcome(version, ("running", "failed"))
    row("and the one in its way is attempted again, as the refusal says", run["state"] == "succeeded", run)

    make("test")
    events.clear()
    version = sm.rotate_secret(SecretId=PREFIX + "test", RotateImmediately=False,
                               RotationRules={"AutomaticallyAfterDays": 30})["VersionId"]
    run = outcome(version)
    row("RotateImmediately=false: testSecret alone", run["state"] == "succeeded" and run["kind"] == "test"
        and [e["Step"] for _, e in events] == ["testSecret"], run)
    found = sm.describe_secret(SecretId=PREFIX + "test")
    row("its temporary version is gone", version not in found["VersionIdsToStages"]
        and found["RotationEnabled"] and found["RotationRules"] == {"AutomaticallyAfterDays": 30})
    failures["testSecret"] = 1
    version = sm.rotate_secret(SecretId=PREFIX + "test", RotateImmediately=False)["VersionId"]
    row("also when the test fails, once", outcome(version)["state"] == "failed"
        and version not in sm.describe_secret(SecretId=PREFIX + "test")["VersionIdsToStages"])

    make("cancel")
    pause.clear()
    version = sm.rotate_secret(SecretId=PREFIX + "cancel")["VersionId"]
    again = sm.rotate_secret(SecretId=PREFIX + "cancel", ClientRequestToken=version)["VersionId"]
    sm.cancel_rotate_secret(SecretId=PREFIX + "cancel")
    pause.set()
    run = outcome(version)
    row("the same request twice begins one rotation",
        again == version and len([r for r in rotations() if r["version"] == version]) == 1)
    row("a cancelled rotation ends before its next step",
        run["state"] == "cancelled" and [s["step"] for s in run["steps"]] in ([], ["createSecret"]), run)

    for secret in sm.list_secrets(Filters=[{"Key": "name", "Values": [PREFIX]}])["SecretList"]:
        sm.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)


main()
