{{- define "f2c-function.name" -}}
{{- include "f2c-function.cut" (list (default .Chart.Name .Values.nameOverride) 63) }}
{{- end }}

{{/*
The name of the objects, whatever its length. A release whose name contains the chart's gives its name alone. A chart's
name may have capitals where another chart gives it an alias; names of objects have none.
*/}}
{{- define "f2c-function.longName" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- lower .Release.Name }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | lower }}
{{- end }}
{{- end }}

{{- define "f2c-function.fullname" -}}
{{- include "f2c-function.cut" (list (include "f2c-function.longName" .) 63) }}
{{- end }}

{{/* A list's name with its number of characters at most. The hash keeps names apart that differ in what is cut off. */}}
{{- define "f2c-function.cut" -}}
{{- $name := first . }}
{{- $most := last . }}
{{- if gt (len $name) $most }}
{{- printf "%s-%s" (trunc (sub $most 9 | int) $name | trimSuffix "-") (sha256sum $name | trunc 8) }}
{{- else }}
{{- $name }}
{{- end }}
{{- end }}

{{/* A map of texts, such as labels: in quotes, since YAML reads some texts as numbers. Helm keeps some that are null. */}}
{{- define "f2c-function.texts" -}}
{{- range $key, $value := . }}
{{- if not (kindIs "invalid" $value) }}
{{ toYaml $key }}: {{ toJson $value }}
{{- end }}
{{- end }}
{{- end }}

{{/* A map without what is null in it. */}}
{{- define "f2c-function.given" -}}
{{- range $key, $value := . }}
{{- if not (kindIs "invalid" $value) }}
{{ dict $key $value | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{/* Labels of an object: those that select it, the user's, and the chart's. Of two with one name the first counts. */}}
{{- define "f2c-function.labels" -}}
{{- merge (include "f2c-function.selectorLabels" . | fromYaml) (.Values.commonLabels | default dict) (include "f2c-function.releaseLabels" . | fromYaml) | include "f2c-function.texts" | trim }}
{{- end }}

{{- define "f2c-function.selectorLabels" -}}
app.kubernetes.io/name: {{ include "f2c-function.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "f2c-function.podLabels" -}}
{{- merge (include "f2c-function.selectorLabels" . | fromYaml) (.Values.podLabels | default dict) (include "f2c-function.labels" . | fromYaml) | include "f2c-function.texts" | trim }}
{{- end }}

{{/* The pod of `helm test` has labels of its own: service, autoscaler and disruption budget must not select it. */}}
{{- define "f2c-function.testSelectorLabels" -}}
app.kubernetes.io/name: {{ include "f2c-function.cut" (list (include "f2c-function.name" .) 58) }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "f2c-function.testName" -}}
{{- include "f2c-function.cut" (list (include "f2c-function.longName" .) 58) }}-test
{{- end }}

{{/* Istio leaves pods with its label out: a proxy that does not end with the test would keep its pod from its end. */}}
{{- define "f2c-function.testLabels" -}}
{{- $outside := dict "sidecar.istio.io/inject" "false" }}
{{- merge (include "f2c-function.testSelectorLabels" . | fromYaml) (include "f2c-function.podLabels" . | fromYaml) $outside | include "f2c-function.texts" | trim }}
{{- end }}

{{- define "f2c-function.releaseLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end }}

{{- define "f2c-function.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "f2c-function.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The reference of an image, from a list of its values and the tag by default. */}}
{{- define "f2c-function.image" -}}
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
{{- define "f2c-function.replicas" -}}
{{- if not (or .Values.autoscaling.enabled (kindIs "invalid" .Values.replicaCount)) }}
{{- int .Values.replicaCount }}
{{- else }}
{{- $least := ternary (int .Values.autoscaling.minReplicas) 1 .Values.autoscaling.enabled }}
{{- $deployment := lookup "apps/v1" "Deployment" .Release.Namespace (include "f2c-function.fullname" .) }}
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

{{/* What all pods of the chart have in common: the function's, and that of `helm test`. */}}
{{- define "f2c-function.podSpec" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml (uniq .) | nindent 2 }}
{{- end }}
serviceAccountName: {{ include "f2c-function.serviceAccountName" . | quote }}
automountServiceAccountToken: false
# Kubernetes would set variables for every service, some with names that programs read as their options.
enableServiceLinks: false
{{- with .Values.podSecurityContext }}
securityContext:
  {{- include "f2c-function.given" . | trim | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ quote . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- include "f2c-function.texts" . | trim | nindent 2 }}
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
{{- define "f2c-function.containerSpec" -}}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.securityContext }}
securityContext:
  {{- include "f2c-function.given" . | trim | nindent 2 }}
{{- end }}
{{- end }}

{{/* A list's variables; of two with one name the later one counts. */}}
{{- define "f2c-function.env" -}}
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

{{- define "f2c-function.terminationGracePeriodSeconds" -}}
{{- with .Values.settings }}
{{- default (addf .drainDelaySeconds .drainTimeoutSeconds 5 | ceil) $.Values.terminationGracePeriodSeconds }}
{{- end }}
{{- end }}

{{/* The container of the function, both in a Deployment and on Knative. */}}
{{- define "f2c-function.container" -}}
{{- $knative := (.Values.knative).enabled -}}
name: {{ .Chart.Name | lower | quote }}
image: {{ include "f2c-function.image" (list .Values.image .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- $env := list }}
{{- if not $knative }} {{- /* Knative sets PORT itself, from the container's port. */}}
{{- $env = append $env (dict "name" "PORT" "value" (int .Values.service.targetPort | toString)) }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if not (hasPrefix "x-" $name) }}
{{- $variable := ternary "FUNCTION_RUNTIME" (snakecase $name | upper) (eq $name "runtime") }}
{{- $env = append $env (dict "name" $variable "value" (toJson $value | trimAll "\"")) }} {{- /* toString writes 1048576 as 1.048576e+06 */}}
{{- end }}
{{- end }}
env:
  {{- include "f2c-function.env" (concat $env (.Values.extraEnv | default list)) | nindent 2 }}
ports:
  - name: {{ ternary "http1" "http" $knative }} {{- /* HTTP/1.1, in Knative's words */}}
    containerPort: {{ int .Values.service.targetPort }}
{{- $probes := deepCopy (.Values.probes | default dict) }}
{{- if and $knative $probes.startup }} {{- /* A startup probe asks once a second, so a start from zero would take longer. Until it would have given up, no liveness probe asks either. */}}
{{- $shield := mul (default 10 $probes.startup.periodSeconds) (default 3 $probes.startup.failureThreshold) }}
{{- $probes = omit $probes "startup" }}
{{- if $probes.liveness }}
{{- $_ := mergeOverwrite $probes (dict "liveness" (merge (dict) $probes.liveness (dict "initialDelaySeconds" $shield))) }}
{{- end }}
{{- end }}
{{- range $probe, $path := dict "startup" "/readyz" "readiness" "/readyz" "liveness" "/healthz" }}
{{- with get $probes $probe }}
{{ $probe }}Probe:
  httpGet:
    path: {{ $path }}
    port: {{ ternary (int $.Values.service.targetPort) "http" $knative }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{ include "f2c-function.containerSpec" . | trim }}
{{- end }}

{{/* Checks what values.schema.json can't, because it can't compare two values. */}}
{{- define "f2c-function.check" -}}
{{- $name := include "f2c-function.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) }}
{{- fail (printf "The service would be called %q, which Kubernetes does not take: the name must begin with a letter, and have only lowercase letters, digits and dashes. Choose another name for the release, or set fullnameOverride." $name) }}
{{- end }}
{{- with lookup "apps/v1" "Deployment" .Release.Namespace $name }}
{{- if eq (dig "annotations" "meta.helm.sh/release-name" "" .metadata) $.Release.Name }}
{{- if ($.Values.knative).enabled }}
{{- fail (printf "The release runs as the Deployment %s. Knative could not take over its name while it serves: install a second release with knative.enabled=true, move your clients to it, and uninstall this one." $name) }}
{{- end }}
{{- if ne (toJson .spec.selector.matchLabels) (include "f2c-function.selectorLabels" $ | fromYaml | toJson) }}
{{- fail (printf "The Deployment %s finds its pods by other labels, and Kubernetes never changes those: keep nameOverride as it was, or install a second release." $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and (not (.Values.knative).enabled) (.Capabilities.APIVersions.Has "serving.knative.dev/v1") }}
{{- if eq (dig "metadata" "annotations" "meta.helm.sh/release-name" "" (lookup "serving.knative.dev/v1" "Service" .Release.Namespace $name)) .Release.Name }}
{{- fail (printf "The release runs as the Knative service %s, which has this name until it is gone: install a second release without knative.enabled, move your clients to it, and uninstall this one." $name) }}
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
{{- range .Values.extraEnv }}
{{- if eq .name "PORT" }}
{{- fail "extraEnv has PORT, which must be the port of the probes and the service too: set service.targetPort." }}
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
{{- if (.Values.knative).enabled }}
{{- include "f2c-function.checkKnative" . }}
{{- end }}
{{- end }}

{{- define "f2c-function.checkKnative" -}}
{{- with .Values }}
{{- if has (int .service.targetPort) (list 8008 8012 8013 8022 9090 9091) }}
{{- fail (printf "service.targetPort is %v, which Knative keeps for itself: choose another port." .service.targetPort) }}
{{- end }}
{{- if and (not .autoscaling.enabled) (eq (toString .replicaCount) "0") }}
{{- fail "replicaCount is 0, which means to Knative that there is no limit: set autoscaling.enabled=true and autoscaling.minReplicas=0 to scale to zero." }}
{{- end }}
{{- range .extraEnv }}
{{- if has .name (list "K_SERVICE" "K_CONFIGURATION" "K_REVISION") }}
{{- fail (printf "extraEnv has %s, which Knative sets itself: leave it out." .name) }}
{{- end }}
{{- end }}
{{- $without := dict "ingress.enabled" (.ingress).enabled "httpRoute.enabled" (.httpRoute).enabled "networkPolicy.enabled" (.networkPolicy).enabled "serviceMonitor.enabled" (.serviceMonitor).enabled "service.nodePort" .service.nodePort "service.annotations" .service.annotations "autoscaling.behavior" .autoscaling.behavior "terminationGracePeriodSeconds" .terminationGracePeriodSeconds }}
{{- range $value, $set := $without }}
{{- if $set }}
{{- fail (printf "%s has no effect on Knative, which has its own way for that: leave it out." $value) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
