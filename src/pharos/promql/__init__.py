"""PromQL: text to nodes (parse), types (check), times (plan), answers (evaluate)."""
