{{- define "f2c-loadtest.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Some names are limited to 63 characters. If the release's name contains the chart's, it is the full name. */}}
{{- define "f2c-loadtest.fullname" -}}
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

{{/* A Job can not be changed, so each revision of the release makes a new one. The name leaves room for -worker. */}}
{{- define "f2c-loadtest.jobName" -}}
{{- printf "%s-%d" (include "f2c-loadtest.fullname" . | trunc 50 | trimSuffix "-") .Release.Revision }}
{{- end }}

{{- define "f2c-loadtest.labels" -}}
{{ include "f2c-loadtest.selectorLabels" . }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "f2c-loadtest.selectorLabels" -}}
app.kubernetes.io/name: {{ include "f2c-loadtest.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "f2c-loadtest.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "f2c-loadtest.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Makes the reference of the image. --set turns some tags into numbers. */}}
{{- define "f2c-loadtest.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag | toJson | trimAll "\"" }}
{{- end }}
{{- end }}

{{/* The default URLs are those of the other charts' services, if the releases have the charts' names. */}}
{{- define "f2c-loadtest.host" -}}
{{- default (eq .Values.target "function" | ternary "http://f2c-function" "http://f2c-tfserving:8501") .Values.host }}
{{- end }}

{{/* Converts a time such as 90s or 1h30m into seconds. */}}
{{- define "f2c-loadtest.runSeconds" -}}
{{- $seconds := 0 }}
{{- range regexFindAll "\\d+[hms]?" (toString .Values.runTime) -1 }}
{{- $unit := hasSuffix "h" . | ternary 3600 (hasSuffix "m" . | ternary 60 1) }}
{{- $seconds = add $seconds (mul $unit (regexFind "\\d+" . | int)) }}
{{- end }}
{{- $seconds }}
{{- end }}

{{/*
A load ends by itself. This deadline ends one that does not, and workers whose master is gone. It allows for three times
the run time, which a step takes at most until it is steady, for starting the users, for half a minute of delay, for
waiting for workers, and for ten minutes to pull the image and to pack the results.
*/}}
{{- define "f2c-loadtest.activeDeadlineSeconds" -}}
{{- $steps := list (dict "seconds" (include "f2c-loadtest.runSeconds" .) "users" .Values.users) }}
{{- $seconds := 0 }}
{{- range default $steps .Values.steps }}
{{- $starting := divf .users $.Values.spawnRate | ceil }}
{{- $seconds = add $seconds (mul 3 .seconds) $starting 30 }}
{{- end }}
{{- add $seconds .Values.workers.waitSeconds 600 }}
{{- end }}

{{/* Each option and its value are one word, because Locust takes a separate word for the name of a user class. */}}
{{- define "f2c-loadtest.args" -}}
{{- with .Values }}
- {{ printf "--target=%s" .target }}
- {{ printf "--host=%s" (include "f2c-loadtest.host" $) | quote }}
{{- if .steps }}
- {{ printf "--steps=%s" (toJson .steps) | quote }}
{{- else }}
- --users={{ int .users }}
- {{ printf "--run-time=%v" .runTime | quote }}
{{- if not (kindIs "invalid" .rate) }}
- --rate={{ .rate }}
{{- end }}
- --batch={{ int .batch }}
{{- end }}
- --spawn-rate={{ .spawnRate }}
- --settle={{ int .settleSeconds }}
{{- if .untilSaturated }}
- --until-saturated
{{- end }}
- --min-fahrenheit={{ .temperatures.min }}
- --max-fahrenheit={{ .temperatures.max }}
- --seed={{ int .seed }}
- --requests-per-connection={{ int .connection.maxRequests }}
- --seconds-per-connection={{ .connection.maxSeconds }}
{{- if not (kindIs "invalid" .readyReplicas) }}
- --ready-replicas={{ int .readyReplicas }}
{{- end }}
- --max-failed={{ .maxFailedShare }}
- --processes={{ int .processes }}
- --results=/results
{{- if .locustfile }}
- --locustfile=/locustfile/locustfile.py
{{- end }}
{{- range .extraArgs }}
- {{ quote . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Makes a pod from the root context, its extra arguments, its resources, and the volume for its results. */}}
{{- define "f2c-loadtest.pod" -}}
{{- $root := .root }}
{{- with .root }}
metadata:
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  labels:
    {{- include "f2c-loadtest.labels" . | nindent 4 }}
    app.kubernetes.io/component: {{ $.component }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  # A failed load says why in its log and its termination message. A restart would only hide that.
  restartPolicy: Never
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ include "f2c-loadtest.serviceAccountName" . }}
  automountServiceAccountToken: false
  # With links, Kubernetes would set variables for a service named locust, and Locust would read them as its options.
  enableServiceLinks: false
  # As process 1, a program would ignore SIGTERM until it has installed its handler.
  shareProcessNamespace: true
  securityContext:
    fsGroup: 1000 # without this, a volume for results belongs to root
  containers:
    - name: {{ .Chart.Name }}
      image: {{ include "f2c-loadtest.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      terminationMessagePolicy: File # the verdict is written there
      args:
        {{- include "f2c-loadtest.args" . | trim | nindent 8 }}
        {{- range $.args }}
        - {{ . }}
        {{- end }}
      {{- with $.ports }}
      ports:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml $.resources | nindent 8 }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      volumeMounts:
        - name: temporary
          mountPath: /tmp
        - name: results
          mountPath: /results
        {{- if .Values.locustfile }}
        - name: locustfile
          mountPath: /locustfile
        {{- end }}
  volumes:
    - name: temporary
      emptyDir:
        sizeLimit: 512Mi # Locust writes a histogram for every second here
    - name: results
      {{- toYaml $.results | nindent 6 }}
    {{- if .Values.locustfile }}
    - name: locustfile
      configMap:
        name: {{ include "f2c-loadtest.jobName" . }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  affinity:
    {{- if .Values.affinity }}
    {{- toYaml .Values.affinity | nindent 4 }}
    {{- else }}
    podAntiAffinity:
      # On the same node, the load generator and the target would take CPU from each other.
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                app.kubernetes.io/name: f2c-{{ .Values.target }}
    {{- end }}
{{- end }}
{{- end }}

{{- define "f2c-loadtest.ownOptions" -}}
[--target, --host, --users, --spawn-rate, --run-time, --rate, --batch, --steps, --settle, --until-saturated,
--min-fahrenheit, --max-fahrenheit, --seed, --requests-per-connection, --seconds-per-connection, --ready-replicas,
--max-failed, --processes, --workers, --worker-wait, --worker-of, --results, --locustfile]
{{- end }}

{{/* Checks what values.schema.json can't, because it can't compare two values. */}}
{{- define "f2c-loadtest.check" -}}
{{- with .Values }}
{{- if gt (float64 .temperatures.min) (float64 .temperatures.max) }}
{{- fail (printf "temperatures.min is %v; it must not be over temperatures.max, which is %v." .temperatures.min .temperatures.max) }}
{{- end }}
{{- if and .readyReplicas (ne .target "function") }}
{{- fail "readyReplicas is for the target function only: TensorFlow Serving does not tell which replica answers." }}
{{- end }}
{{- range .extraArgs }}
{{- $option := splitList "=" . | first }}
{{- if has $option (include "f2c-loadtest.ownOptions" . | fromYamlArray) }}
{{- fail (printf "extraArgs has %s, which the chart makes of its own values: set those, so that it knows how long the load takes." $option) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
