"""Creates, updates and deletes the stack of deploy/cloudformation.yaml on a moto server.

usage: cloudformation.py ENDPOINT TEMPLATE IMAGE     prints one JSON document: what is there after each step

moto makes no alarms, scaling or secrets of a template; it leaves target groups and clusters behind when a stack is deleted; and of
an updated task definition it keeps the name alone.
"""

import ast
import json
import sys

import boto3

ACCOUNT = "123456789012"
STACK = "quilt-mcp"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:quilt-mcp/jwt-secret-AbCdEf"


class Account:
    def __init__(self, endpoint, template):
        self.endpoint, self.template = endpoint, template
        self.cloudformation = self.client("cloudformation")
        self.ecs, self.elb, self.iam, self.logs = map(self.client, ("ecs", "elbv2", "iam", "logs"))

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def apply(self, name, change, **parameters):
        call = self.cloudformation.create_stack if change == "create" else self.cloudformation.update_stack
        call(
            StackName=name,
            TemplateBody=self.template,
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        return self.state(name)

    def state(self, name):
        stack = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        resources = self.cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        # Those that moto does not make have no names.
        resources = [resource for resource in resources if "LogicalResourceId" in resource]
        ids = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
        # moto gives an updated stack another cluster, and leaves the service where it is.
        cluster = ids["Service"].split("/")[1]
        service = self.ecs.describe_services(cluster=cluster, services=[ids["Service"]])["services"][0]
        definition = self.ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        rules = self.elb.describe_rules(RuleArns=[ids["ListenerRule"]])["Rules"]
        return {
            "status": stack["StackStatus"],
            "outputs": {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
            "resources": sorted(resource["ResourceType"] for resource in resources),
            "container": definition["containerDefinitions"][0],
            "conditions": rules[0].get("Conditions"),
            "policies": {role: self.policies(ids[role]) for role in ("ExecutionRole", "TaskRole")},
        }

    def policies(self, role):
        names = self.iam.list_role_policies(RoleName=role)["PolicyNames"]
        attached = self.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        assert not attached, attached
        documents = [self.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
        # moto gives the text of a Python value.
        return [ast.literal_eval(document) for document in documents]

    def leftovers(self):
        names = [role["RoleName"] for role in self.iam.list_roles()["Roles"]]
        stacks = self.cloudformation.list_stacks()["StackSummaries"]
        return {
            "load_balancers": [it["LoadBalancerName"] for it in self.elb.describe_load_balancers()["LoadBalancers"]],
            "roles": [name for name in names if name.startswith(STACK)],
            "stacks": sorted(stack["StackStatus"] for stack in stacks),
        }


def main():
    endpoint, path, image = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        account = Account(endpoint, file.read())
    ec2 = account.client("ec2")
    subnets = ec2.describe_subnets()["Subnets"][:2]
    network = {
        "VpcId": subnets[0]["VpcId"],
        "SubnetIds": ",".join(subnet["SubnetId"] for subnet in subnets),
    }
    # The values of task-definition.json.
    server = {
        "ImageUri": image,
        "ImageRepositoryArn": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/quilt-mcp",
        "QuiltMcpPublicUrl": "https://mcp.example.com",
        "QuiltCatalogUrl": "https://catalog.example.com",
        "QuiltMcpAllowedOrigins": "https://catalog.example.com",
        "McpJwtSecretArn": SECRET,
    }
    certificate = account.client("acm").request_certificate(DomainName="mcp.example.com")["CertificateArn"]
    own = {**network, **server, "CertificateArn": certificate, "LoadBalancerSubnetIds": network["SubnetIds"]}
    created = account.apply(STACK, "create", **own)
    updated = account.apply(STACK, "update", **own, MinCopies="3", QuiltMcpReadOnly="true")

    # A second server behind the same load balancer, in a cluster that is there, in registry mode, with roles.
    balancer = account.elb.describe_load_balancers()["LoadBalancers"][0]
    listener = account.elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"][0]
    account.ecs.create_cluster(clusterName="existing")
    second = account.apply(
        f"{STACK}-second",
        "create",
        **network,
        **{name: value for name, value in server.items() if name not in ("McpJwtSecretArn", "QuiltMcpPublicUrl")},
        QuiltMcpPublicUrl=server["QuiltCatalogUrl"],
        QuiltMcpPayloadMemory="768MiB",
        ListenerArn=listener["ListenerArn"],
        LoadBalancerSecurityGroupId=balancer["SecurityGroups"][0],
        ListenerRulePriority="20",
        QuiltMcpAssumableRoles=f"arn:aws:iam::{ACCOUNT}:role/quilt/*,arn:aws:iam::{ACCOUNT}:role/lab/*",
        ClusterName="existing",
    )
    for name in (f"{STACK}-second", STACK):
        account.cloudformation.delete_stack(StackName=name)
    states = {"created": created, "updated": updated, "second": second, "after": account.leftovers()}
    print(json.dumps(states, default=str))


if __name__ == "__main__":
    main()
