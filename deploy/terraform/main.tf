# The CloudFormation template as a Terraform module: one stack, whose parameters are this module's variables in snake_case.
# docs/deploy.md describes both. Not run yet: the tests parse it and compare its variables with the template's parameters.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

locals {
  template = "${path.module}/../cloudformation.yaml"
}

resource "aws_cloudformation_stack" "quilt_mcp" {
  name          = var.stack_name
  template_body = file(local.template)
  capabilities  = ["CAPABILITY_IAM"]
  on_failure    = "ROLLBACK"

  parameters = {
    ImageUri                     = var.image_uri
    ImageRepositoryArn           = var.image_repository_arn
    CpuArchitecture              = var.cpu_architecture
    Cpu                          = var.cpu
    Memory                       = var.memory
    MinCopies                    = var.min_copies
    MaxCopies                    = var.max_copies
    VpcId                        = var.vpc_id
    SubnetIds                    = join(",", var.subnet_ids)
    ClusterName                  = var.cluster_name
    ListenerArn                  = var.listener_arn
    LoadBalancerSecurityGroupId  = var.load_balancer_security_group_id
    ListenerRulePriority         = var.listener_rule_priority
    LoadBalancerScheme           = var.load_balancer_scheme
    LoadBalancerSubnetIds        = join(",", var.load_balancer_subnet_ids)
    ClientCidr                   = var.client_cidr
    CertificateArn               = var.certificate_arn
    QuiltMcpPublicUrl            = var.quilt_mcp_public_url
    QuiltCatalogUrl              = var.quilt_catalog_url
    QuiltRegistryUrl             = var.quilt_registry_url
    QuiltMcpCatalogCredentials   = var.quilt_mcp_catalog_credentials
    QuiltMcpAllowedOrigins       = var.quilt_mcp_allowed_origins
    QuiltMcpReadOnly             = var.quilt_mcp_read_only
    QuiltMcpToolsets             = var.quilt_mcp_toolsets
    QuiltMcpAmbient              = var.quilt_mcp_ambient
    QuiltMcpContact              = var.quilt_mcp_contact
    QuiltMcpPayloadMemory        = var.quilt_mcp_payload_memory
    QuiltMcpLog                  = var.quilt_mcp_log
    QuiltMcpDrain                = var.quilt_mcp_drain
    McpJwtSecretArn              = var.mcp_jwt_secret_arn
    McpJwtSecretPreviousArn      = var.mcp_jwt_secret_previous_arn
    McpJwtJwksUrl                = var.mcp_jwt_jwks_url
    McpJwtIssuer                 = var.mcp_jwt_issuer
    McpJwtAudience               = var.mcp_jwt_audience
    QuiltMcpAuthorizationServers = var.quilt_mcp_authorization_servers
    QuiltMcpScopes               = var.quilt_mcp_scopes
    QuiltMcpRequireAuth          = var.quilt_mcp_require_auth
    QuiltMcpAllowedRegistries    = var.quilt_mcp_allowed_registries
    QuiltMcpAssumableRoles       = join(",", var.quilt_mcp_assumable_roles)
    QuiltMcpWebIdentityRoleArn   = var.quilt_mcp_web_identity_role_arn
    LogRetentionDays             = var.log_retention_days
    AlarmTopicArn                = var.alarm_topic_arn
  }
}

output "outputs" {
  description = "Outputs of the stack"
  value       = aws_cloudformation_stack.quilt_mcp.outputs
}
