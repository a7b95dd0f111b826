{{- define "atoll.name" -}}
{{ .Release.Name }}
{{- end }}

{{/* Of everything in the release. */}}
{{- define "atoll.labels" -}}
app.kubernetes.io/name: atoll
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* What selects the pods of one region: never changes between releases. */}}
{{- define "atoll.selector" -}}
app.kubernetes.io/name: atoll
app.kubernetes.io/instance: {{ .root.Release.Name }}
atoll/region: {{ .region.name }}
{{- end }}

{{/*
One region's configuration: what the values say, and where the regions of this release find each other. A peer
that the values name wins.
*/}}
{{- define "atoll.config" -}}
{{- $root := .root -}}
{{- $own := .region.name -}}
{{- $scheme := ternary "wss" "ws" (ne $root.Values.tls.secretName "") -}}
{{- $peers := dict -}}
{{- range $root.Values.regions -}}
{{- if ne .name $own -}}
{{- $_ := set $peers .name (printf "%s://%s-%s-peer:7103" $scheme $root.Release.Name .name) -}}
{{- end -}}
{{- end -}}
{{- $config := deepCopy $root.Values.config -}}
{{- $_ := set $config "region" $own -}}
{{- $_ := set $config "data" "/var/lib/atoll" -}}
{{- $_ := set $config "listen" (dict "rest" "0.0.0.0:7101" "admin" "0.0.0.0:7102" "peer" "0.0.0.0:7103") -}}
{{- $_ := set $config "peers" (merge (deepCopy (default (dict) $root.Values.config.peers)) $peers) -}}
{{- if $root.Values.insecure -}}{{- $_ := set $config "insecure" true -}}{{- end -}}
{{- toYaml $config -}}
{{- end }}
