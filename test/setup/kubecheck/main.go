// kubecheck tells what an API server would say of manifests, without one.
//
//	kubecheck render DIR    a kustomization as YAML, by the code of "kubectl kustomize"
//	kubecheck check         YAML on stdin; answers JSON: per object what is wrong with it, and
//	                        what the Pod Security standard "restricted" refuses of its pods
//
// Objects are decoded strictly (unknown and doubled fields are errors) into the types of
// Kubernetes and of the Prometheus operator. Those of Kubernetes then go the way of a create:
// defaults, preparation and validation by the server's own code.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	"k8s.io/kubernetes/pkg/registry/apps/daemonset"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	"k8s.io/kubernetes/pkg/registry/apps/statefulset"
	"k8s.io/kubernetes/pkg/registry/core/configmap"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim"
	"k8s.io/kubernetes/pkg/registry/core/service"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
	security "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

var strategies = map[string]rest.RESTCreateStrategy{
	"ConfigMap":             configmap.Strategy,
	"DaemonSet":             daemonset.Strategy,
	"Deployment":            deployment.Strategy,
	"NetworkPolicy":         networkpolicy.Strategy,
	"PersistentVolumeClaim": persistentvolumeclaim.Strategy,
	"Service":               service.Strategy,
	"StatefulSet":           statefulset.Strategy,
}

// Custom resources are validated by schemas that are installed with them; here by their types.
var customKinds = map[string]bool{"PodMonitor": true, "PrometheusRule": true}

type finding struct {
	Object  string   `json:"object"`
	Wrong   []string `json:"wrong"`
	Refused []string `json:"refused"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kubecheck:", err)
		os.Exit(1)
	}
}

func run(words []string) error {
	switch {
	case len(words) == 2 && words[0] == "render":
		return render(words[1])
	case len(words) == 1 && words[0] == "check":
		return checkAll(os.Stdin)
	}
	return errors.New("usage: kubecheck render DIR | kubecheck check")
}

func render(dir string) error {
	kustomizer := krusty.MakeKustomizer(krusty.MakeDefaultOptions())
	built, err := kustomizer.Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return err
	}
	text, err := built.AsYaml()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

func checkAll(from io.Reader) error {
	if err := monitoring.AddToScheme(legacyscheme.Scheme); err != nil {
		return err
	}
	standard, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return err
	}
	documents := yaml.NewYAMLReader(bufio.NewReader(from))
	findings := []finding{}
	for {
		text, err := documents.Read()
		if err == io.EOF {
			return json.NewEncoder(os.Stdout).Encode(findings)
		}
		if err != nil {
			return err
		}
		findings = append(findings, check(text, standard))
	}
}

func check(text []byte, standard policy.Evaluator) finding {
	strict := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)
	found := finding{Object: "?", Wrong: []string{}, Refused: []string{}}
	versioned, kind, err := strict.UniversalDeserializer().Decode(text, nil, nil)
	if kind != nil {
		found.Object = kind.Kind
	}
	if err != nil {
		found.Wrong = append(found.Wrong, err.Error())
	}
	if versioned == nil {
		return found
	}
	if named, err := meta.Accessor(versioned); err == nil {
		found.Object = kind.Kind + "/" + named.GetName()
	}
	if template := templateOf(versioned); template != nil {
		found.Refused = refusals(template, standard)
	}
	if customKinds[kind.Kind] {
		return found
	}
	strategy, known := strategies[kind.Kind]
	if !known {
		found.Wrong = append(found.Wrong, "no rules for this kind here")
		return found
	}
	if err := create(versioned, strategy); err != nil {
		found.Wrong = append(found.Wrong, err.Error())
	}
	return found
}

// create goes as far as a server that would store the object next.
func create(versioned runtime.Object, strategy rest.RESTCreateStrategy) error {
	legacyscheme.Scheme.Default(versioned)
	internal, err := legacyscheme.Scheme.ConvertToVersion(versioned, runtime.InternalGroupVersioner)
	if err != nil {
		return err
	}
	named, err := meta.Accessor(internal)
	if err != nil {
		return err
	}
	if named.GetNamespace() == "" {
		named.SetNamespace("default")
	}
	rest.FillObjectMetaSystemFields(named)
	if it, isService := internal.(*core.Service); isService && it.Spec.ClusterIP != "" {
		// The server's storage does it before the strategy is asked.
		it.Spec.ClusterIPs = []string{it.Spec.ClusterIP}
	}
	inside := request.WithNamespace(request.NewContext(), named.GetNamespace())
	return rest.BeforeCreate(strategy, inside, internal)
}

func templateOf(object runtime.Object) *corev1.PodTemplateSpec {
	switch it := object.(type) {
	case *appsv1.DaemonSet:
		return &it.Spec.Template
	case *appsv1.Deployment:
		return &it.Spec.Template
	case *appsv1.StatefulSet:
		return &it.Spec.Template
	}
	return nil
}

func refusals(pod *corev1.PodTemplateSpec, standard policy.Evaluator) []string {
	level := security.LevelVersion{Level: security.LevelRestricted, Version: security.LatestVersion()}
	refused := []string{}
	for _, result := range standard.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			refused = append(refused, result.ForbiddenReason+": "+result.ForbiddenDetail)
		}
	}
	return refused
}
