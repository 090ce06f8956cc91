{{- define "f2c-tfserving.name" -}}
{{- include "f2c-tfserving.cut" (list (default .Chart.Name .Values.nameOverride) 63) }}
{{- end }}

{{/*
The name of the objects, whatever its length. A release whose name contains the chart's gives its name alone. A chart's
name may have capitals where another chart gives it an alias; names of objects have none.
*/}}
{{- define "f2c-tfserving.longName" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- lower .Release.Name }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | lower }}
{{- end }}
{{- end }}

{{- define "f2c-tfserving.fullname" -}}
{{- include "f2c-tfserving.cut" (list (include "f2c-tfserving.longName" .) 63) }}
{{- end }}

{{/* A list's name with its number of characters at most. The hash keeps names apart that differ in what is cut off. */}}
{{- define "f2c-tfserving.cut" -}}
{{- $name := first . }}
{{- $most := last . }}
{{- if gt (len $name) $most }}
{{- printf "%s-%s" (trunc (sub $most 9 | int) $name | trimSuffix "-") (sha256sum $name | trunc 8) }}
{{- else }}
{{- $name }}
{{- end }}
{{- end }}

{{/* A map of texts, such as labels: in quotes, since YAML reads some texts as numbers. Helm keeps some that are null. */}}
{{- define "f2c-tfserving.texts" -}}
{{- range $key, $value := . }}
{{- if not (kindIs "invalid" $value) }}
{{ toYaml $key }}: {{ toJson $value }}
{{- end }}
{{- end }}
{{- end }}

{{/* A map without what is null in it. */}}
{{- define "f2c-tfserving.given" -}}
{{- range $key, $value := . }}
{{- if not (kindIs "invalid" $value) }}
{{ dict $key $value | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{/* Labels of an object: those that select it, the user's, and the chart's. Of two with one name the first counts. */}}
{{- define "f2c-tfserving.labels" -}}
{{- merge (include "f2c-tfserving.selectorLabels" . | fromYaml) (.Values.commonLabels | default dict) (include "f2c-tfserving.releaseLabels" . | fromYaml) | include "f2c-tfserving.texts" | trim }}
{{- end }}

{{- define "f2c-tfserving.selectorLabels" -}}
app.kubernetes.io/name: {{ include "f2c-tfserving.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "f2c-tfserving.podLabels" -}}
{{- merge (include "f2c-tfserving.selectorLabels" . | fromYaml) (.Values.podLabels | default dict) (include "f2c-tfserving.labels" . | fromYaml) | include "f2c-tfserving.texts" | trim }}
{{- end }}

{{/* The pod of `helm test` has labels of its own: service, autoscaler and disruption budget must not select it. */}}
{{- define "f2c-tfserving.testSelectorLabels" -}}
app.kubernetes.io/name: {{ include "f2c-tfserving.cut" (list (include "f2c-tfserving.name" .) 58) }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "f2c-tfserving.testName" -}}
{{- include "f2c-tfserving.cut" (list (include "f2c-tfserving.longName" .) 58) }}-test
{{- end }}

{{/* Istio leaves pods with its label out: a proxy that does not end with the test would keep its pod from its end. */}}
{{- define "f2c-tfserving.testLabels" -}}
{{- $outside := dict "sidecar.istio.io/inject" "false" }}
{{- merge (include "f2c-tfserving.testSelectorLabels" . | fromYaml) (include "f2c-tfserving.podLabels" . | fromYaml) $outside | include "f2c-tfserving.texts" | trim }}
{{- end }}

{{- define "f2c-tfserving.releaseLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end }}

{{- define "f2c-tfserving.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "f2c-tfserving.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The reference of an image, from a list of its values and the tag by default. */}}
{{- define "f2c-tfserving.image" -}}
{{- $image := first . }}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default (last .) $image.tag }}
{{- end }}
{{- end }}

{{/*
The number of pods that the release asks for. It is left out where someone else decides it: an autoscaler, or you with
replicaCount=null. But Helm sets back to 1 what a release no longer says. So a release that has said it once goes on with
the number that the cluster has, and an annotation remembers that. A new release asks for as many pods as its autoscaler
will, so that all are ready when Helm returns. `helm template` and Argo CD have no cluster to look at, and leave it out:
only there the list of Deployments is nothing at all.
*/}}
{{- define "f2c-tfserving.replicas" -}}
{{- if not (or .Values.autoscaling.enabled (kindIs "invalid" .Values.replicaCount)) }}
{{- int .Values.replicaCount }}
{{- else }}
{{- $least := ternary (int .Values.autoscaling.minReplicas) 1 .Values.autoscaling.enabled }}
{{- $deployment := lookup "apps/v1" "Deployment" .Release.Namespace (include "f2c-tfserving.fullname" .) }}
{{- if $deployment }}
{{- $now := int $deployment.spec.replicas }}
{{- if and $now (lt $now $least) }}
{{- $least }}
{{- else if hasKey ($deployment.metadata.annotations | default dict) "f2c/replicas" }}
{{- $now }}
{{- end }}
{{- else if and (gt $least 1) (lookup "apps/v1" "Deployment" .Release.Namespace "") }}
{{- $least }}
{{- end }}
{{- end }}
{{- end }}

{{/* What all pods of the chart have in common: the server's, and that of `helm test`. */}}
{{- define "f2c-tfserving.podSpec" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml (uniq .) | nindent 2 }}
{{- end }}
serviceAccountName: {{ include "f2c-tfserving.serviceAccountName" . | quote }}
automountServiceAccountToken: false
# Kubernetes would set variables for every service, some with names that programs read as their options.
enableServiceLinks: false
{{- with .Values.podSecurityContext }}
securityContext:
  {{- include "f2c-tfserving.given" . | trim | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ quote . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- include "f2c-tfserving.texts" . | trim | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What all their containers have in common. */}}
{{- define "f2c-tfserving.containerSpec" -}}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.securityContext }}
securityContext:
  {{- include "f2c-tfserving.given" . | trim | nindent 2 }}
{{- end }}
{{- end }}

{{/* A list's variables; of two with one name the later one counts. */}}
{{- define "f2c-tfserving.env" -}}
{{- $names := list }}
{{- $env := list }}
{{- range reverse . }}
{{- if not (has .name $names) }}
{{- $names = append $names .name }}
{{- $env = prepend $env . }}
{{- end }}
{{- end }}
{{- toYaml $env }}
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
- --rest_api_num_threads={{ int . }}
{{- end }}
{{- with .Values.threads.intraOp | default $cores }}
- --tensorflow_intra_op_parallelism={{ int . }}
{{- end }}
{{- with .Values.threads.interOp | default $cores }}
- --tensorflow_inter_op_parallelism={{ int . }}
{{- end }}
{{- end }}

{{- define "f2c-tfserving.container" -}}
name: {{ .Chart.Name | lower | quote }}
image: {{ include "f2c-tfserving.image" (list .Values.image .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: # the image has the same flags with its own ports before these; of a flag given twice the last one counts
  - --rest_api_port={{ int .Values.service.targetPort }}
  - --port={{ int .Values.service.grpcTargetPort }}
  {{- $flags := list }}
  {{- range .Values.extraArgs }}
  {{- $flags = append $flags (splitList "=" . | first) }}
  {{- end }}
  {{- range include "f2c-tfserving.threads" . | fromYamlArray }}
  {{- if not (has (splitList "=" . | first) $flags) }}
  - {{ . }}
  {{- end }}
  {{- end }}
  {{- with .Values.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.extraEnv }}
env:
  {{- include "f2c-tfserving.env" . | nindent 2 }}
{{- end }}
ports:
  - name: http
    containerPort: {{ int .Values.service.targetPort }}
  - name: grpc
    containerPort: {{ int .Values.service.grpcTargetPort }}
{{- if gt (int .Values.preStopSleepSeconds) 0 }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ int .Values.preStopSleepSeconds }}
{{- end }}
{{- range $probe := list "startup" "readiness" "liveness" }}
{{- with get ($.Values.probes | default dict) $probe }}
{{ $probe }}Probe:
  httpGet: # this path answers 200 as soon as the model is loaded
    path: /v1/models/fahrenheit_to_celsius
    port: http
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{ include "f2c-tfserving.containerSpec" . | trim }}
volumeMounts:
  - name: temporary
    mountPath: /tmp
{{- end }}

{{/* Checks what values.schema.json can't, because it can't compare two values. */}}
{{- define "f2c-tfserving.check" -}}
{{- $name := include "f2c-tfserving.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) }}
{{- fail (printf "The service would be called %q, which Kubernetes does not take: the name must begin with a letter, and have only lowercase letters, digits and dashes. Choose another name for the release, or set fullnameOverride." $name) }}
{{- end }}
{{- with lookup "apps/v1" "Deployment" .Release.Namespace $name }}
{{- if eq (dig "annotations" "meta.helm.sh/release-name" "" .metadata) $.Release.Name }}
{{- if ne (toJson .spec.selector.matchLabels) (include "f2c-tfserving.selectorLabels" $ | fromYaml | toJson) }}
{{- fail (printf "The Deployment %s finds its pods by other labels, and Kubernetes never changes those: keep nameOverride as it was, or install a second release." $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $value := list "podLabels" "commonLabels" }}
{{- range $label := list "app.kubernetes.io/name" "app.kubernetes.io/instance" }}
{{- if hasKey (get $.Values $value | default dict) $label }}
{{- fail (printf "%s has %s, by which the service finds its pods: choose another label. nameOverride and the release's name set this one." $value $label) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.autoscaling }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
{{- fail (printf "autoscaling.minReplicas is %v; it must not be over autoscaling.maxReplicas, which is %v." .minReplicas .maxReplicas) }}
{{- end }}
{{- end }}
{{- range .Values.extraArgs }}
{{- if regexMatch "^--(rest_api_port|port)(=|$)" . }}
{{- fail (printf "extraArgs has %s, which must be the port of the probes and the service too: set service.targetPort or service.grpcTargetPort." .) }}
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
