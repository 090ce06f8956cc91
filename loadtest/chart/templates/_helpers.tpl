{{/*
A Job is never changed: other values make another Job, and the same values the same one, whatever tool installs it. The
hash includes the release's name, so that each release has Jobs of its own. -master and -worker must still fit.
*/}}
{{- define "f2c-loadtest.jobName" -}}
{{- $values := list (include "f2c-loadtest.longName" .) .Release.Name .Chart.Version .Chart.AppVersion .Values }}
{{- $name := include "f2c-loadtest.longName" . | trunc 47 | trimSuffix "-" }}
{{- printf "%s-%s" $name (toJson $values | sha256sum | trunc 8) }}
{{- end }}

{{/* The targets by default: of each, the chart that installs it, and the URL of its service in a release of that name. */}}
{{- define "f2c-loadtest.targets" -}}
function: { chart: f2c-function, host: "http://f2c-function" }
tfserving: { chart: f2c-tfserving, host: "http://f2c-tfserving:8501" }
tfserving-grpc: { chart: f2c-tfserving, host: "http://f2c-tfserving:8500" }
{{- end }}

{{/* The target to load; a target that only the image knows has neither chart nor host. */}}
{{- define "f2c-loadtest.target" -}}
{{- get (include "f2c-loadtest.targets" . | fromYaml) .Values.target | default dict | toYaml }}
{{- end }}

{{- define "f2c-loadtest.host" -}}
{{- .Values.host | default (include "f2c-loadtest.target" . | fromYaml).host | default "" }}
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
A load ends by itself. This deadline ends one that does not, and workers whose master is gone. It allows three times the
run time, to which an unsteady step is extended at most; the time to start the users, and half a minute more; the times to
wait for workers and for a right answer; and ten minutes to pull the image and to pack the results.
*/}}
{{- define "f2c-loadtest.activeDeadlineSeconds" -}}
{{- $steps := list (dict "seconds" (include "f2c-loadtest.runSeconds" .) "users" .Values.users) }}
{{- $seconds := 0 }}
{{- range default $steps .Values.steps }}
{{- $starting := divf .users $.Values.spawnRate | ceil }}
{{- $seconds = add $seconds (mul 3 .seconds) $starting 30 }}
{{- end }}
{{- add $seconds .Values.workers.waitSeconds (float64 (.Values.wait | default 0) | ceil) 600 }}
{{- end }}

{{/* Each option and its value are one argument, except where extraArgs has them in two. */}}
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
- --arrivals={{ .arrivals }}
- --spawn-rate={{ .spawnRate }}
- --settle={{ int .settleSeconds }}
{{- if not (kindIs "invalid" .onlyCase) }}
- --only-case={{ int .onlyCase }}
{{- end }}
- --seed={{ int .seed }}
- --requests-per-connection={{ int .connection.maxRequests }}
- --seconds-per-connection={{ .connection.maxSeconds }}
{{- if not (kindIs "invalid" .readyReplicas) }}
- --ready-replicas={{ int .readyReplicas }}
{{- end }}
- --max-failed={{ .maxFailedShare }}
- --processes={{ int .processes }}
- --results=/results
{{- if .record }}
- --record=/files/record.json
{{- end }}
{{- if .locustfile }}
- --locustfile=/files/locustfile.py
{{- end }}
{{- if .check }}
- --check
{{- end }}
{{- if not (kindIs "invalid" .wait) }}
- --wait={{ .wait }}
{{- end }}
{{- range .extraArgs }}
- {{ quote . }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Annotations of a pod. A load that is moved to another node begins anew, or never ends: cluster autoscalers are asked to leave
it. Meshes are asked to leave it out: a proxy would add to what is measured, and one that does not end with the load would
keep the Job from its end.
*/}}
{{- define "f2c-loadtest.podAnnotations" -}}
cluster-autoscaler.kubernetes.io/safe-to-evict: "false"
karpenter.sh/do-not-disrupt: "true"
linkerd.io/inject: disabled
{{- end }}

{{/* A volume for results belongs to root, so the container can write there only through its group. */}}
{{- define "f2c-loadtest.podSecurityContext" -}}
{{- $group := (.Values.securityContext).runAsGroup }}
{{- merge (deepCopy (.Values.podSecurityContext | default dict)) (dict "fsGroup" $group) | include "f2c-loadtest.map" | trim }}
{{- end }}

{{/* A pod, which Istio leaves out by a label, from the root, its arguments beside those of all pods, its resources, and the volume for its results. */}}
{{- define "f2c-loadtest.pod" -}}
{{- $root := .root }}
{{- with .root }}
metadata:
  annotations:
    {{- merge (deepCopy (.Values.podAnnotations | default dict)) (include "f2c-loadtest.podAnnotations" . | fromYaml) | include "f2c-loadtest.map" | trim | nindent 4 }}
  labels:
    {{- $outside := dict "sidecar.istio.io/inject" "false" }}
    {{- merge (include "f2c-loadtest.podLabels" . | fromYaml) (dict "app.kubernetes.io/component" $.component) $outside | include "f2c-loadtest.map" | trim | nindent 4 }}
spec:
  # A failed load says why in its log and in its termination message, which a restart would hide.
  restartPolicy: Never
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml (uniq .) | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ include "f2c-loadtest.serviceAccountName" . | quote }}
  automountServiceAccountToken: false
  # With links, Kubernetes would set variables for a service named locust, and Locust would read them as its options.
  enableServiceLinks: false
  # As process 1, a program ignores SIGTERM until it has installed its handler.
  shareProcessNamespace: true
  {{- with include "f2c-loadtest.podSecurityContext" . }}
  securityContext:
    {{- nindent 4 . }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ quote . }}
  {{- end }}
  containers:
    - name: {{ include "f2c-loadtest.containerName" . | quote }}
      image: {{ include "f2c-loadtest.image" (list . .Values.image) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      terminationMessagePolicy: File # the verdict is written there
      args:
        {{- include "f2c-loadtest.args" . | trim | nindent 8 }}
        {{- range $.args }}
        - {{ quote . }}
        {{- end }}
      {{- with .Values.secretEnv }}
      envFrom:
        - secretRef:
            name: {{ quote . }}
      {{- end }}
      {{- with $.ports }}
      ports:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.securityContext }}
      securityContext:
        {{- include "f2c-loadtest.map" . | trim | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: temporary
          mountPath: /tmp
        - name: results
          mountPath: /results
        {{- if or .Values.record .Values.locustfile }}
        - name: files
          mountPath: /files
        {{- end }}
  volumes:
    - name: temporary
      emptyDir:
        sizeLimit: 512Mi # Locust writes a histogram for every second here
    - name: results
      {{- toYaml $.results | nindent 6 }}
    {{- if or .Values.record .Values.locustfile }}
    - name: files
      configMap:
        name: {{ include "f2c-loadtest.jobName" . | quote }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- include "f2c-loadtest.map" . | trim | nindent 4 }}
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
                app.kubernetes.io/name: {{ include "f2c-loadtest.fit" (list ((include "f2c-loadtest.target" . | fromYaml).chart | default .Values.target) 63) | quote }}
    {{- end }}
{{- end }}
{{- end }}

{{/* Options that extraArgs must not have. */}}
{{- define "f2c-loadtest.ownOptions" -}}
[--target, --record, --host, --once, --check, --wait, --users, --spawn-rate, --run-time, --rate, --arrivals, --batch, --steps, --settle,
--only-case, --seed, --requests-per-connection, --seconds-per-connection, --ready-replicas,
--max-failed, --processes, --workers, --worker-wait, --worker-of, --results, --archive, --no-archive, --locustfile]
{{- end }}

{{/* Checks values against each other, which values.schema.json can't. */}}
{{- define "f2c-loadtest.check" -}}
{{- $name := include "f2c-loadtest.fullname" . }}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" $name) }}
{{- fail (printf "The Job would be called %q, which its pods can't be: a name has only lowercase letters, digits and dashes. Choose another name for the release, or set fullnameOverride." $name) }}
{{- end }}
{{- if and .Values.workers.count (not (regexMatch "^[a-z]" $name)) }}
{{- fail (printf "The service of the workers would be called %q…, which Kubernetes does not take: the name must begin with a letter. Choose another name for the release, or set fullnameOverride." $name) }}
{{- end }}
{{- range $value := list "podLabels" "commonLabels" }}
{{- range $label := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "batch.kubernetes.io/job-name" "batch.kubernetes.io/controller-uid" "job-name" "controller-uid" }}
{{- if hasKey (get $.Values $value | default dict) $label }}
{{- fail (printf "%s has %s, by which the Job finds its pods: choose another label." $value $label) }}
{{- end }}
{{- end }}
{{- end }}
{{- if not (include "f2c-loadtest.host" .) }}
{{- fail (printf "The target %s has no address by default: set host." .Values.target) }}
{{- end }}
{{- with .Values }}
{{- if and .readyReplicas (not .record) (ne .target "function") }}
{{- fail (printf "readyReplicas is not for the target %s: its answers don't tell which replica they come from." .target) }}
{{- end }}
{{- if and .workers.count (or .check (not (kindIs "invalid" .wait))) }}
{{- fail "check and wait are done by one pod: leave out workers.count." }}
{{- end }}
{{- /* A word belongs to the option before it, unless that has its value already. */}}
{{- $before := "=" }}
{{- range .extraArgs }}
{{- if and (not (hasPrefix "-" .)) (contains "=" $before) }}
{{- fail (printf "extraArgs has %s, which belongs to no option: Locust would take it for the name of a user class." .) }}
{{- end }}
{{- $before = . }}
{{- $option := splitList "=" . | first }}
{{- if has $option (include "f2c-loadtest.ownOptions" . | fromYamlArray) }}
{{- fail (printf "extraArgs has %s, which the chart makes of its own values: set those, so that it knows how long the load takes." $option) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
