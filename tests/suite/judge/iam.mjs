// Has AWS's rules for policies decide requests: `node iam.mjs requests.json`, a list of
// {identity?, resource_policy?, action, resource, context, principal?}. Prints a list of decisions.
import { readFileSync } from "node:fs";
import { runSimulation } from "@cloud-copilot/iam-simulate";

const ACCOUNT = "123456789012";
const ROLE = `arn:aws:iam::${ACCOUNT}:role/windlass`;

const decisions = [];
for (const asked of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  const { identity, resource_policy: resourcePolicy, action, resource, context, principal } = asked;
  const result = await runSimulation(
    {
      identityPolicies: identity ? [{ name: "policy", policy: identity }] : [],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(resourcePolicy ? { resourcePolicy } : {}),
      request: {
        action,
        principal: principal ?? ROLE,
        resource: { accountId: ACCOUNT, resource },
        contextVariables: context,
      },
    },
    {},
  );
  decisions.push(result.resultType === "error" ? JSON.stringify(result.errors) : result.overallResult);
}
console.log(JSON.stringify(decisions));
