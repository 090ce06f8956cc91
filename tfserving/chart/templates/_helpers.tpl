{{- define "f2c-tfserving.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Some names are limited to 63 characters. If the release's name contains the chart's, it is the full name. */}}
{{- define "f2c-tfserving.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "f2c-tfserving.labels" -}}
{{ include "f2c-tfserving.selectorLabels" . }}
{{ include "f2c-tfserving.releaseLabels" . }}
{{- end }}

{{- define "f2c-tfserving.selectorLabels" -}}
app.kubernetes.io/name: {{ include "f2c-tfserving.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The pod of `helm test` has labels of its own: service, autoscaler and disruption budget must not select it. */}}
{{- define "f2c-tfserving.testSelectorLabels" -}}
app.kubernetes.io/name: {{ include "f2c-tfserving.name" . | trunc 58 }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "f2c-tfserving.releaseLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "f2c-tfserving.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "f2c-tfserving.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Makes an image reference from a list: an image's values, and the default tag. --set makes some tags numbers. */}}
{{- define "f2c-tfserving.image" -}}
{{- $image := first . }}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default (last .) $image.tag | toJson | trimAll "\"" }}
{{- end }}
{{- end }}

{{- define "f2c-tfserving.terminationGracePeriodSeconds" -}}
{{- default (add .Values.preStopSleepSeconds 5) .Values.terminationGracePeriodSeconds }}
{{- end }}

{{/* Returns a CPU limit such as 500m, "2" or 1.5 in whole cores, rounded up, or nothing without a limit. */}}
{{- define "f2c-tfserving.cores" -}}
{{- with (.Values.resources.limits).cpu }}
{{- $cpu := toString . }}
{{- ternary (divf (trimSuffix "m" $cpu) 1000) (float64 $cpu) (hasSuffix "m" $cpu) | ceil | int }}
{{- end }}
{{- end }}

{{/*
By default, the server starts 4 REST threads per CPU of the host, and as many threads within and between operations as
the host has CPUs. Under a CPU limit, so many threads would only wait for each other. Therefore these flags count the
CPUs of the limit, not of the host.
*/}}
{{- define "f2c-tfserving.threads" -}}
{{- $cores := include "f2c-tfserving.cores" . | int }}
{{- with .Values.threads.rest | default (mul 4 $cores) }}
- --rest_api_num_threads={{ . }}
{{- end }}
{{- with .Values.threads.intraOp | default $cores }}
- --tensorflow_intra_op_parallelism={{ . }}
{{- end }}
{{- with .Values.threads.interOp | default $cores }}
- --tensorflow_inter_op_parallelism={{ . }}
{{- end }}
{{- end }}

{{- define "f2c-tfserving.container" -}}
name: {{ .Chart.Name }}
image: {{ include "f2c-tfserving.image" (list .Values.image .Chart.AppVersion) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: # the image sets these two flags as well; if a flag is given twice, the last one counts
  - --rest_api_port={{ .Values.service.targetPort }}
  - --port={{ .Values.service.grpcTargetPort }}
  {{- with include "f2c-tfserving.threads" . | trim }}
  {{- nindent 2 . }}
  {{- end }}
  {{- with .Values.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: http
    containerPort: {{ .Values.service.targetPort }}
  - name: grpc
    containerPort: {{ .Values.service.grpcTargetPort }}
{{- if gt (int .Values.preStopSleepSeconds) 0 }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ .Values.preStopSleepSeconds }}
{{- end }}
{{- range $probe, $timing := .Values.probes }}
{{ $probe }}Probe:
  httpGet: # this path answers 200 as soon as the model is loaded
    path: /v1/models/fahrenheit_to_celsius
    port: http
  {{- toYaml $timing | nindent 2 }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  - name: temporary
    mountPath: /tmp
{{- end }}

{{/* Checks what values.schema.json can't, because it can't compare two values. */}}
{{- define "f2c-tfserving.check" -}}
{{- with .Values.autoscaling }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
{{- fail (printf "autoscaling.minReplicas is %v; it must not be over autoscaling.maxReplicas, which is %v." .minReplicas .maxReplicas) }}
{{- end }}
{{- end }}
{{- range $rest, $grpc := dict "port" "grpcPort" "targetPort" "grpcTargetPort" "nodePort" "grpcNodePort" }}
{{- $port := get $.Values.service $rest }}
{{- if and $port (eq (toString $port) (get $.Values.service $grpc | toString)) }}
{{- fail (printf "service.%s and service.%s are both %v; REST and gRPC need different ports." $rest $grpc $port) }}
{{- end }}
{{- end }}
{{- if lt (include "f2c-tfserving.terminationGracePeriodSeconds" . | int) (int .Values.preStopSleepSeconds) }}
{{- fail (printf "terminationGracePeriodSeconds is %v; preStopSleepSeconds needs %v." .Values.terminationGracePeriodSeconds .Values.preStopSleepSeconds) }}
{{- end }}
{{- end }}
