"""What others see of a scheduler: metrics for Prometheus, spans for OpenTelemetry. Each is an extra to install."""
