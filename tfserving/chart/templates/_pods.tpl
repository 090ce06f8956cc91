{{/* How many pods there are, and what more than one of them has. */}}

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

{{/* The variables of a container, from a list of them: of two with one name the later one counts. */}}
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

{{/* The labels that select the pod of `helm test`: service, autoscaler and disruption budget must not. */}}
{{- define "f2c-tfserving.testSelectorLabels" -}}
app.kubernetes.io/name: {{ include "f2c-tfserving.fit" (list (include "f2c-tfserving.name" .) 58) }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}
