{{/* The function's settings, as variables of its container: maxValues is MAX_VALUES. The user's own win. */}}
{{- define "f2c-function.settings" -}}
{{- $env := list }}
{{- range $name, $value := .Values.settings }}
{{- if not (hasPrefix "x-" $name) }}
{{- $variable := ternary "FUNCTION_RUNTIME" (snakecase $name | upper) (eq $name "runtime") }}
{{- $env = append $env (dict "name" $variable "value" (toJson $value | trimAll "\"")) }} {{- /* toString writes 1048576 as 1.048576e+06 */}}
{{- end }}
{{- end }}
{{- include "f2c-function.env" (concat $env (.Values.extraEnv | default list)) }}
{{- end }}

{{/* The seconds from SIGTERM to SIGKILL: those that the function takes to drain, and five. */}}
{{- define "f2c-function.terminationGracePeriodSeconds" -}}
{{- with .Values.settings }}
{{- default (addf .drainDelaySeconds .drainTimeoutSeconds 5 | ceil) $.Values.terminationGracePeriodSeconds }}
{{- end }}
{{- end }}
