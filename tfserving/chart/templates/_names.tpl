{{/* Names, labels, and maps of such texts. */}}

{{/*
A text as Kubernetes takes it in a label or, in lowercase, in a name: from a list of the text and its greatest length. What
may not be there, such as the + of a version, becomes _. A hash keeps texts apart that differ only in what is cut off.
*/}}
{{- define "f2c-tfserving.fit" -}}
{{- $most := last . }}
{{- $text := regexReplaceAll "[^-A-Za-z0-9._]" (first .) "_" | trimAll "-._" }}
{{- if gt (len $text) $most }}
{{- printf "%s-%s" (trunc (sub $most 9 | int) $text | trimAll "-._") (sha256sum $text | trunc 8) }}
{{- else }}
{{- $text }}
{{- end }}
{{- end }}

{{/* The name of the chart, by which labels call what it installs. Another chart may give it an alias. */}}
{{- define "f2c-tfserving.name" -}}
{{- include "f2c-tfserving.fit" (list (default .Chart.Name .Values.nameOverride) 63) }}
{{- end }}

{{/* The name of the container. */}}
{{- define "f2c-tfserving.containerName" -}}
{{- include "f2c-tfserving.fit" (list .Chart.Name 63) | lower | replace "_" "-" }}
{{- end }}

{{/* The name of the objects before it is cut: the release's alone where that has the chart's name in it. */}}
{{- define "f2c-tfserving.longName" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $both .Values.fullnameOverride | lower | replace "_" "-" }}
{{- end }}

{{/* The name of the objects. */}}
{{- define "f2c-tfserving.fullname" -}}
{{- include "f2c-tfserving.fit" (list (include "f2c-tfserving.longName" .) 63) }}
{{- end }}

{{/* The name of the service account that the pods run as. */}}
{{- define "f2c-tfserving.serviceAccountName" -}}
{{- $default := ternary (include "f2c-tfserving.fullname" .) "default" .Values.serviceAccount.create }}
{{- default $default .Values.serviceAccount.name }}
{{- end }}

{{/* The name of an image, from a list of the chart and the values of the image. */}}
{{- define "f2c-tfserving.image" -}}
{{- $tag := include "f2c-tfserving.fit" (list (first .).Chart.AppVersion 128) }}
{{- with last . }}
{{- .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ default $tag .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* The labels by which a service, and whatever else selects pods, finds them. A Deployment can't ever change them. */}}
{{- define "f2c-tfserving.selectorLabels" -}}
app.kubernetes.io/name: {{ include "f2c-tfserving.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* The labels of an object: those that select, the user's, and the chart's. Of two with one name the first counts. */}}
{{- define "f2c-tfserving.labels" -}}
{{- $own := dict
  "helm.sh/chart" (include "f2c-tfserving.fit" (list (printf "%s-%s" .Chart.Name .Chart.Version) 63))
  "app.kubernetes.io/version" (include "f2c-tfserving.fit" (list .Chart.AppVersion 63))
  "app.kubernetes.io/managed-by" .Release.Service
}}
{{- merge (include "f2c-tfserving.selectorLabels" . | fromYaml) (.Values.commonLabels | default dict) $own | include "f2c-tfserving.map" | trim }}
{{- end }}

{{/* The labels of a pod: those of an object, under those that the user gives to pods. */}}
{{- define "f2c-tfserving.podLabels" -}}
{{- merge (include "f2c-tfserving.selectorLabels" . | fromYaml) (.Values.podLabels | default dict) (include "f2c-tfserving.labels" . | fromYaml) | include "f2c-tfserving.map" | trim }}
{{- end }}

{{/* A map, such as labels, without what the user made null. Each value is JSON, so that YAML reads no text as a number. */}}
{{- define "f2c-tfserving.map" -}}
{{- range $key, $value := . }}
{{- if not (kindIs "invalid" $value) }}
{{ toYaml $key }}: {{ toJson $value }}
{{- end }}
{{- end }}
{{- end }}
