{{/* The seconds from the start of a pod's end to SIGKILL: those for which it still serves, and five. */}}
{{- define "f2c-tfserving.terminationGracePeriodSeconds" -}}
{{- default (add .Values.preStopSleepSeconds 5) .Values.terminationGracePeriodSeconds }}
{{- end }}

{{/* The CPU limit, such as 500m, "2" or 1.5, in whole cores, rounded up; nothing without a limit. */}}
{{- define "f2c-tfserving.cores" -}}
{{- with (.Values.resources.limits).cpu }}
{{- $cpu := toString . }}
{{- ternary (divf (trimSuffix "m" $cpu) 1000) (float64 $cpu) (hasSuffix "m" $cpu) | ceil | int }}
{{- end }}
{{- end }}

{{/*
The server's flags: its ports, its threads, and the user's own, which win. By default, the server has 4 threads for REST per
CPU of the node, and as many within and between operations as the node has CPUs. Under a CPU limit, so many threads would
only wait for each other. Therefore these flags count the CPUs of the limit. Threads for gRPC are another matter: they come
and go with the requests, and their number is how many requests are not refused.
*/}}
{{- define "f2c-tfserving.flags" -}}
- --rest_api_port={{ int .Values.service.targetPort }}
- --port={{ int .Values.service.grpcTargetPort }}
{{- $cores := include "f2c-tfserving.cores" . | int }}
{{- $own := dict }}
{{- range .Values.extraArgs }}
{{- $_ := set $own (splitList "=" . | first) true }}
{{- end }}
{{- with .Values.threads }}
{{- range $flag := list
  (list "--rest_api_num_threads" (default (mul 4 $cores) .rest))
  (list "--grpc_max_threads" .grpc)
  (list "--tensorflow_intra_op_parallelism" (default $cores .intraOp))
  (list "--tensorflow_inter_op_parallelism" (default $cores .interOp))
}}
{{- if and (last $flag) (not (hasKey $own (first $flag))) }}
- {{ first $flag }}={{ last $flag | int }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}
