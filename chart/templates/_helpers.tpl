{{- define "f2c-function.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Some names are limited to 63 characters. If the release's name contains the chart's, it is the full name. */}}
{{- define "f2c-function.fullname" -}}
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

{{- define "f2c-function.labels" -}}
{{ include "f2c-function.selectorLabels" . }}
{{ include "f2c-function.releaseLabels" . }}
{{- end }}

{{- define "f2c-function.selectorLabels" -}}
app.kubernetes.io/name: {{ include "f2c-function.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The pod of `helm test` has labels of its own: service, autoscaler and disruption budget must not select it. */}}
{{- define "f2c-function.testSelectorLabels" -}}
app.kubernetes.io/name: {{ include "f2c-function.name" . | trunc 58 }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "f2c-function.releaseLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "f2c-function.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "f2c-function.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Makes an image reference from a list: an image's values, and the default tag. --set makes some tags numbers. */}}
{{- define "f2c-function.image" -}}
{{- $image := first . }}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default (last .) $image.tag | toJson | trimAll "\"" }}
{{- end }}
{{- end }}

{{- define "f2c-function.terminationGracePeriodSeconds" -}}
{{- with .Values.settings }}
{{- default (addf .drainDelaySeconds .drainTimeoutSeconds 5 | ceil) $.Values.terminationGracePeriodSeconds }}
{{- end }}
{{- end }}

{{/* The container of the function, both in a Deployment and on Knative. */}}
{{- define "f2c-function.container" -}}
{{- $knative := .Values.knative.enabled -}}
name: {{ .Chart.Name }}
image: {{ include "f2c-function.image" (list .Values.image .Chart.AppVersion) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  {{- if not $knative }}
  - name: PORT
    value: {{ .Values.service.targetPort | quote }}
  {{- end }}
  {{- range $name, $value := .Values.settings }}
  - name: {{ ternary "FUNCTION_RUNTIME" (snakecase $name | upper) (eq $name "runtime") }}
    value: {{ $value | toJson | trimAll "\"" | quote }} {{- /* quote alone writes 1048576 as 1.048576e+06 */}}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  {{- if $knative }}
  - name: http1 # Knative's name for HTTP/1.1; Knative chooses the port, and sets PORT
  {{- else }}
  - name: http
    containerPort: {{ .Values.service.targetPort }}
  {{- end }}
startupProbe:
  {{- include "f2c-function.httpGet" (list . "/readyz") | nindent 2 }}
  {{- toYaml .Values.probes.startup | nindent 2 }}
readinessProbe:
  {{- include "f2c-function.httpGet" (list . "/readyz") | nindent 2 }}
  {{- toYaml .Values.probes.readiness | nindent 2 }}
livenessProbe:
  {{- include "f2c-function.httpGet" (list . "/healthz") | nindent 2 }}
  {{- toYaml .Values.probes.liveness | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end }}

{{- define "f2c-function.httpGet" -}}
httpGet:
  path: {{ last . }}
  {{- if not (first .).Values.knative.enabled }}
  port: http
  {{- end }}
{{- end }}

{{/* Checks what values.schema.json can't, because it can't compare two values. */}}
{{- define "f2c-function.check" -}}
{{- with .Values.autoscaling }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
{{- fail (printf "autoscaling.minReplicas is %v; it must not be over autoscaling.maxReplicas, which is %v." .minReplicas .maxReplicas) }}
{{- end }}
{{- end }}
{{- with .Values.settings }}
{{- if gt (float64 .headersTimeoutSeconds) (float64 .requestTimeoutSeconds) }}
{{- fail (printf "settings.headersTimeoutSeconds is %v; it must not be over settings.requestTimeoutSeconds, which is %v." .headersTimeoutSeconds .requestTimeoutSeconds) }}
{{- end }}
{{- $needed := addf .drainDelaySeconds .drainTimeoutSeconds }}
{{- if lt (include "f2c-function.terminationGracePeriodSeconds" $ | float64) $needed }}
{{- fail (printf "terminationGracePeriodSeconds is %v; settings.drainDelaySeconds and settings.drainTimeoutSeconds together need %v." $.Values.terminationGracePeriodSeconds $needed) }}
{{- end }}
{{- end }}
{{- end }}
