"""Signs a request as botocore does, and prints its Authorization header.

    python3 signatures.py JSON

The input is the request as it was sent, with whom and for what it was signed. The headers that the
request says are signed are signed here, at the time that it says.
"""

import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

given = json.loads(sys.argv[1])
sent = given["request"]
signed = sent["headers"]["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
request = AWSRequest(
    method=sent["method"], url=given["endpoint"] + sent["path"], data=sent["body"].encode(),
    headers={name: value for name, value in sent["headers"].items() if name in signed},
)
request.context["timestamp"] = sent["headers"]["x-amz-date"]
signer = SigV4Auth(Credentials(given["key"], given["secret"], given["token"]),
                   given["service"], given["region"])
text = signer.string_to_sign(request, signer.canonical_request(request))
assert {"host", "x-amz-date", "x-amz-security-token", "content-type"} <= set(signed), signed
print(f"AWS4-HMAC-SHA256 Credential={given['key']}/{signer.credential_scope(request)}, "
      f"SignedHeaders={';'.join(signed)}, Signature={signer.signature(text, request)}")
