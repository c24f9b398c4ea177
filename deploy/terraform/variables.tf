variable "stack_name" {
  description = "Name of the CloudFormation stack, and of what it creates"
  type        = string
  default     = "quilt-mcp"
}

variable "image_uri" {
  description = "The image, best by its digest (123456789012.dkr.ecr.us-east-1.amazonaws.com/quilt-mcp@sha256:DIGEST)"
  type        = string
}

variable "image_repository_arn" {
  description = "ARN of the image's repository in ECR; empty if it is in a public registry"
  type        = string
  default     = ""
}

variable "cpu_architecture" {
  description = "Processor of the tasks"
  type        = string
  default     = "X86_64"
}

variable "cpu" {
  description = "CPU units of a task; 1024 is one CPU"
  type        = string
  default     = "256"
}

variable "memory" {
  description = "Memory of a task in MiB; Fargate takes 512 with 256 CPU units only"
  type        = string
  default     = "512"
}

variable "min_copies" {
  description = "Smallest number of tasks"
  type        = number
  default     = 2
}

variable "max_copies" {
  description = "Largest number of tasks"
  type        = number
  default     = 6
}

variable "vpc_id" {
  description = "VPC of the tasks and of the load balancer"
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the tasks, with a way to AWS, the registry and the identity provider (NAT or VPC endpoints)"
  type        = list(string)
}

variable "cluster_name" {
  description = "Name of an existing ECS cluster; empty for a new one"
  type        = string
  default     = ""
}

variable "listener_arn" {
  description = "ARN of an existing HTTPS listener; empty for a new load balancer"
  type        = string
  default     = ""
}

variable "load_balancer_security_group_id" {
  description = "Security group of the existing load balancer, from which the tasks take connections"
  type        = string
  default     = ""
}

variable "listener_rule_priority" {
  description = "Priority of the rule on the listener; no other rule may have it"
  type        = number
  default     = 10
}

variable "load_balancer_scheme" {
  description = "Whether a new load balancer has public addresses"
  type        = string
  default     = "internal"
}

variable "load_balancer_subnet_ids" {
  description = "Subnets of a new load balancer, in two availability zones or more"
  type        = list(string)
  default     = []
}

variable "client_cidr" {
  description = "Addresses from which clients reach a new load balancer"
  type        = string
  default     = "10.0.0.0/8"
}

variable "certificate_arn" {
  description = "ARN of the certificate (ACM) of a new load balancer"
  type        = string
  default     = ""
}

variable "quilt_mcp_public_url" {
  description = "Public URL of the server without a path, such as https://mcp.example.com"
  type        = string
}

variable "quilt_catalog_url" {
  description = "URL of the catalog; its /config.json names the registry"
  type        = string
  default     = ""
}

variable "quilt_registry_url" {
  description = "URL of the registry, if the catalog's /config.json does not name it"
  type        = string
  default     = ""
}

variable "quilt_mcp_catalog_credentials" {
  description = "Whether the registry vends AWS credentials"
  type        = string
  default     = "true"
}

variable "quilt_mcp_allowed_origins" {
  description = "Comma-separated browser origins that may call the server"
  type        = string
  default     = ""
}

variable "quilt_mcp_read_only" {
  description = "Switch off all tools that write"
  type        = string
  default     = "false"
}

variable "quilt_mcp_toolsets" {
  description = "Comma-separated toolsets that are on"
  type        = string
  default     = "default"
}

variable "quilt_mcp_ambient" {
  description = "What the task role may do for callers without credentials of their own; the role has no right on S3"
  type        = string
  default     = "never"
}

variable "quilt_mcp_contact" {
  description = "Whom users ask for rights that they lack, such as an address or a URL"
  type        = string
  default     = ""
}

variable "quilt_mcp_payload_memory" {
  description = "Memory for the payloads of all calls, such as 768MiB; the default of 256 MiB is for a task of 512 MiB"
  type        = string
  default     = ""
}

variable "quilt_mcp_log" {
  description = "Log level, or a filter such as info,quilt_mcp::credentials=debug; the alarms of 401, 403 and 429 need info"
  type        = string
  default     = ""
}

variable "quilt_mcp_drain" {
  description = "Time that calls in flight have to finish when a task is stopped"
  type        = string
  default     = "60s"
}

variable "mcp_jwt_secret_arn" {
  description = "ARN of the secret that signs HS256 tokens (Secrets Manager, plain text); empty for jwks and registry mode"
  type        = string
  default     = ""
}

variable "mcp_jwt_secret_previous_arn" {
  description = "ARN of the secret before, whose tokens are still accepted during a rotation"
  type        = string
  default     = ""
}

variable "mcp_jwt_jwks_url" {
  description = "URL of the key set of an identity provider"
  type        = string
  default     = ""
}

variable "mcp_jwt_issuer" {
  description = "Comma-separated issuers that are accepted"
  type        = string
  default     = ""
}

variable "mcp_jwt_audience" {
  description = "Comma-separated audiences that are accepted"
  type        = string
  default     = ""
}

variable "quilt_mcp_authorization_servers" {
  description = "Comma-separated issuers at which OAuth clients log in"
  type        = string
  default     = ""
}

variable "quilt_mcp_scopes" {
  description = "Comma-separated scopes that OAuth clients request"
  type        = string
  default     = ""
}

variable "quilt_mcp_require_auth" {
  description = "Which methods need a token; empty for calls, or for all if there are authorization servers"
  type        = string
  default     = ""
}

variable "quilt_mcp_allowed_registries" {
  description = "Comma-separated hosts of other registries and catalogs that tokens may name"
  type        = string
  default     = ""
}

variable "quilt_mcp_assumable_roles" {
  description = "ARNs of roles that tokens may name, with * in the path only"
  type        = list(string)
  default     = []
}

variable "quilt_mcp_web_identity_role_arn" {
  description = "ARN of a role for which tokens of the identity provider are exchanged"
  type        = string
  default     = ""
}

variable "log_retention_days" {
  description = "Days for which logs are kept"
  type        = number
  default     = 30
}

variable "alarm_topic_arn" {
  description = "ARN of an SNS topic that alarms notify; empty for alarms without an action"
  type        = string
  default     = ""
}
